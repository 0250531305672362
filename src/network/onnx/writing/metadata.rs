//! What the model card says, as the named texts that an ONNX file may carry.

use crate::network::onnx::proto::StringStringEntryProto;
use crate::network::{ModelCard, NetworkError};
use serde_json::json;

/// Under this key stands the whole card as JSON.
pub(crate) const CARD: &str = "polepiece.card";

/// One entry a fact; what the card does not know has none. Lists and what has parts are JSON.
pub(super) fn entries(card: &ModelCard) -> Result<Vec<StringStringEntryProto>, NetworkError> {
    let names: Vec<&str> = card.classes.iter().map(|class| class.name.as_str()).collect();
    let colours: Vec<[u8; 3]> = card.classes.iter().map(|class| class.colour).collect();
    let size = card.input_size.map(|size| json!(size).to_string());
    let data = (!card.training_data.is_empty()).then(|| json!(card.training_data).to_string());
    let metrics = (!card.metrics.is_empty()).then(|| json!(card.metrics).to_string());
    let facts = [
        ("name", Some(card.name.clone())),
        ("description", Some(card.description.clone())),
        ("task", json!(card.task).as_str().map(str::to_owned)),
        ("class_names", Some(json!(names).to_string())),
        ("class_colours", Some(json!(colours).to_string())),
        ("channels", Some(json!(card.channels).to_string())),
        ("normalisation", Some(json!(card.normalisation).to_string())),
        ("pixel_size_nm", card.pixel_size_nm.map(|nm| nm.to_string())),
        ("input_size_yx", size),
        ("licence", Some(card.licence.clone())),
        ("training_data", data),
        ("metrics", metrics),
        ("metrics_on", Some(card.metrics_on.clone())),
        ("trained_by", Some(card.trained_by.clone())),
    ];
    let whole = serde_json::to_string(card).map_err(|error| NetworkError::Card(error.to_string()))?;
    let known = facts.into_iter().filter_map(|(key, value)| Some((key, value.filter(|v| !v.is_empty())?)));
    let entry = |(key, value): (&str, String)| StringStringEntryProto { key: key.to_owned(), value };
    Ok(known.chain([(CARD, whole)]).map(entry).collect())
}

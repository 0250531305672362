//! What a recipe may not say, found before anything is loaded.
use super::{Augment, ClassWeights, LoopSpec, Loss, Recipe, Source};
use crate::network::architectures::{Architecture, ArchitectureSpec};
use crate::network::{NetworkError, Task};
use std::collections::BTreeSet;

/// Choices that recipes have always been allowed to write down for architectures that do not have them.
const IGNORED: [&str; 6] = ["base", "depth", "batch_norm", "upsample", "global_pooling", "hidden"];

impl Recipe {
    /// The first thing that is wrong, naming its key.
    pub(super) fn check(&self) -> Result<(), String> {
        self.check_classes()?;
        self.check_network()?;
        self.schedule.check(self.card.classes.len())?;
        self.check_loss()?;
        self.augment.check()?;
        if self.train.is_empty() {
            return Err("There is no [[train]] source".to_owned());
        }
        let tables = [("train", &self.train), ("validate", &self.validate), ("test", &self.test)];
        for (table, sources) in tables {
            for (index, source) in sources.iter().enumerate() {
                self.check_source(source).map_err(|e| format!("[[{table}]] number {}: {e}", index + 1))?;
            }
        }
        if self.train.iter().all(|s| s.weight == Some(0.0)) {
            return Err("[[train]] weight: all are 0".to_owned());
        }
        Ok(())
    }

    fn check_classes(&self) -> Result<(), String> {
        let names: BTreeSet<&str> = self.card.classes.iter().map(|c| c.name.as_str()).collect();
        if names.len() != self.card.classes.len() {
            return Err("[card] classes: two have the same name".to_owned());
        }
        if names.contains("ignore") {
            return Err(
                "[card] classes: \"ignore\" is no class but what map sends left-out pixels to".to_owned()
            );
        }
        let least = if self.task == Task::Regress { 1 } else { 2 };
        if names.len() < least || names.len() > 255 {
            return Err(format!("[card] classes: there must be {least} to 255"));
        }
        if self.card.units.is_some() && self.task != Task::Regress {
            return Err("[card] units: classes have none, only a regressor's numbers".to_owned());
        }
        if self.card.channels.is_empty() {
            return Err("[card] channels: there must be at least one".to_owned());
        }
        Ok(())
    }

    fn check_network(&self) -> Result<(), String> {
        let network = self.network.resolved();
        let name = network.architecture.name();
        if self.task == Task::Any {
            return Err("task: only segmenters, classifiers and regressors can be trained".to_owned());
        }
        // Scores of classes are numbers too: whatever segments or classifies can be taught numbers.
        if network.architecture.task() != self.task && self.task != Task::Regress {
            let task = if self.task == Task::Segment { "segment" } else { "classify" };
            return Err(format!("[network] architecture: {name} cannot {task}"));
        }
        if let Some(key) = self.network.superfluous().iter().find(|key| !IGNORED.contains(key)) {
            return Err(format!("[network] {key}: {name} has no such choice"));
        }
        if network.base.is_some_and(|base| !(1..=1024).contains(&base)) {
            return Err("[network] base: must be 1 to 1024".to_owned());
        }
        match (self.task, self.card.input_size) {
            (Task::Classify | Task::Regress, Some([h, w])) if h >= 8 && w >= 8 && h.max(w) <= 4096 => {}
            (Task::Classify | Task::Regress, Some(_)) => {
                return Err("[card] input_size: must be [y, x] of 8 to 4096 px".to_owned());
            }
            (_, None) => {}
            (Task::Segment | Task::Any, Some(_)) => {
                return Err("[card] input_size: segmenters take any size, leave it out".to_owned());
            }
        }
        if network.depth.is_some_and(|depth| !(1..=8).contains(&depth)) {
            return Err("[network] depth: must be 1 to 8".to_owned());
        }
        if network.padded == Some(false) {
            return Err(
                "[network] padded: masks are as large as their images, so must be what they teach".to_owned()
            );
        }
        self.check_crop(&network)?;
        let graph = self.graph().map_err(|e| format!("[network] {e}"))?;
        let without_size = self.card.input_size.is_none() && self.task != Task::Segment;
        self.model_card().check(&graph).map_err(|e| match e {
            NetworkError::Shape { .. } if without_size => {
                format!("[card] input_size: {name} needs one, as it does not take images of any size ({e})")
            }
            e => format!("[network] {e}"),
        })
    }

    /// Crops must be halved evenly all the way down.
    fn check_crop(&self, network: &ArchitectureSpec) -> Result<(), String> {
        let Some(depth) = network.depth.filter(|_| network.architecture == Architecture::Unet) else {
            return Ok(());
        };
        let (crop, stride) = (self.schedule.crop, 1 << depth);
        if crop == 0 || !crop.is_multiple_of(stride) {
            return Err(format!("[loop] crop: {crop} is not a multiple of {stride} (depth {depth})"));
        }
        Ok(())
    }

    /// Distances are for regressors alone, and regressors have no other.
    fn check_loss(&self) -> Result<(), String> {
        match (self.task, self.schedule.loss) {
            (Task::Regress, Loss::CrossEntropy | Loss::Dice) => {
                Err("[loop] loss: a regressor's is mean-squared, mean-absolute or huber".to_owned())
            }
            (Task::Segment | Task::Classify, loss) if loss.is_distance() => {
                Err("[loop] loss: mean-squared, mean-absolute and huber belong to regressors".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn check_source(&self, source: &Source) -> Result<(), String> {
        source.check(self.task)?;
        let known = |name: &str| self.card.classes.iter().any(|c| c.name.eq_ignore_ascii_case(name));
        if let Some(class) = source.class.as_deref().filter(|c| !known(c)) {
            return Err(format!("class \"{class}\" is not in [card] classes"));
        }
        match source.map.values().find(|to| !known(to) && *to != "ignore") {
            Some(to) => Err(format!("map leads to \"{to}\", which is not in [card] classes")),
            None => Ok(()),
        }
    }
}

impl LoopSpec {
    fn check(&self, classes: usize) -> Result<(), String> {
        let fail = |key: &str, rule: &str| Err(format!("[loop] {key}: {rule}"));
        if self.batch == 0 || self.batch > 4096 {
            return fail("batch", "must be 1 to 4096");
        }
        if self.crop > 4096 {
            return fail("crop", "must be at most 4096");
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return fail("learning_rate", "must be above 0");
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return fail("weight_decay", "must not be below 0");
        }
        if self.steps == Some(0) || self.minutes.is_some_and(|m| !(m.is_finite() && m > 0.0)) {
            return fail("steps", "the budget must be above 0");
        }
        if self.steps.is_some() && self.minutes.is_some() {
            return fail("steps", "give steps or minutes, not both");
        }
        if !(0.0..1.0).contains(&self.warm_up) {
            return fail("warm_up", "must be 0 to below 1, a share of the budget");
        }
        if !(self.huber_delta.is_finite() && self.huber_delta > 0.0) {
            return fail("huber_delta", "must be above 0");
        }
        if self.validate_every == 0 {
            return fail("validate_every", "must be above 0");
        }
        if !(0.0..1.0).contains(&self.val_fraction) {
            return fail("val_fraction", "must be 0 to below 1");
        }
        match &self.class_weights {
            ClassWeights::Given(weights) if weights.len() != classes => {
                fail("class_weights", &format!("{} given for {classes} classes", weights.len()))
            }
            ClassWeights::Given(weights)
                if weights.iter().any(|w| !w.is_finite() || *w < 0.0)
                    || weights.iter().all(|w| *w == 0.0) =>
            {
                fail("class_weights", "must not be below 0, and not all 0")
            }
            _ => Ok(()),
        }
    }
}

impl Augment {
    fn check(&self) -> Result<(), String> {
        let fail = |key: &str, rule: &str| Err(format!("[augment] {key}: {rule}"));
        let [low, high] = self.scale;
        if !(0.1..=10.0).contains(&low) || !(low..=10.0).contains(&high) {
            return fail("scale", "must be two rising factors between 0.1 and 10");
        }
        if !(0.0..=180.0).contains(&self.rotation) {
            return fail("rotation", "must be 0 to 180 degrees");
        }
        for (key, share) in [("scale_chance", self.scale_chance), ("invert", self.invert)] {
            if !(0.0..=1.0).contains(&share) {
                return fail(key, "is a share, 0 to 1");
            }
        }
        let amounts = [
            ("brightness", self.brightness),
            ("contrast", self.contrast),
            ("gamma", self.gamma),
            ("noise", self.noise),
            ("blur", self.blur),
            ("shading", self.shading),
        ];
        match amounts.into_iter().find(|(_, amount)| !(0.0..=10.0).contains(amount)) {
            Some((key, _)) => fail(key, "must be 0 to 10"),
            None if self.contrast >= 1.0 => fail("contrast", "must be below 1"),
            None => Ok(()),
        }
    }
}

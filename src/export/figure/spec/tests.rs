//! Panels as text, there and back.
use super::*;

#[test]
fn panels_are_written_as_they_are_read() {
    for text in [
        "source",
        "prediction",
        "classes",
        "probability:grain boundary",
        "output:2",
        "feature:dec2.conv1:17",
        "feature:a:b/conv:0",
        "features:enc1.conv2:8",
        "features:enc1.conv2:3,1,4",
        "features:enc1.conv2:3,",
        "effective:mid.conv1:7",
        "effective:mid.conv1:all",
        "effective:a:b:7:12,40",
        "pinned:enc1.conv1:3,a:b:0",
        "difference:b-model=other models/a,b.safetensors",
        "difference:a-node=enc1.conv1,a-feature=0,b-frame=2,b-node=pool1,b-feature=1",
        "difference:b-baseline=top-hat-otsu:dark",
        "why:gradient:grain boundary",
        "why:gradient-input:1,over=predicted",
        "why:smooth-grad:particle,samples=9,noise=0.1,seed=3,pixel=4,5",
        "why:integrated:a, b,steps=20,baseline=blurred,sigma=2.5,region=1,2,30,40",
        "why:grad-cam:particle,node=mid.relu2",
        "why:grad-cam:particle",
        "why:occlusion:particle,patch=16,stride=4,fill=zero",
        "equivariance:shift=1,-3",
        "equivariance:rotate=-22.5,flip=x,node=enc1.conv1",
        "seams",
        "seams:tile=128,against=whole",
        "baseline:otsu:bright",
        "baseline:local-mean:dark",
    ] {
        let spec: PanelSpec = text.parse().unwrap();
        assert_eq!(spec.to_string(), text);
    }
    let named: PanelSpec = "effective:a:b:7:12,40".parse().unwrap();
    let expected = PanelSpec::Effective { node: "a:b".into(), feature: Some(7), at: Some([12, 40]) };
    assert_eq!(named, expected);
    assert_eq!("features:n:8".parse(), Ok(PanelSpec::Features { node: "n".into(), which: Which::Most(8) }));
}

#[test]
fn what_is_no_panel_is_refused_with_what_could_be_written() {
    for text in [
        "",
        "sources",
        "source:1",
        "probability:",
        "feature:conv",
        "feature:conv:x",
        "feature::1",
        "features:conv:0",
        "features:conv:999",
        "features:conv:1,x",
        "effective:conv",
        "effective:conv:x",
        "pinned:",
        "pinned:conv",
        "pinned:conv:1,:2",
        "difference:",
        "difference:x",
        "difference:b-node=conv",
        "difference:b-baseline=otsu",
        "difference:b-frame=x",
        "why:grad-cam",
        "why:grad-cam:",
        "why:magic:particle",
        "why:ablation:particle",
        "why:occlusion:particle,patch=x",
        "why:gradient:particle,pixel=1",
        "why:gradient:particle,pixel=1,2,over=predicted",
        "equivariance:",
        "equivariance:shift=1",
        "equivariance:flip=z",
        "seams:tile=0",
        "seams:128",
        "baseline:otsu",
        "baseline:otsu:left",
        "baseline:magic:dark",
    ] {
        let error = text.parse::<PanelSpec>().unwrap_err();
        assert!(error.starts_with(text) && error.contains("feature:NODE:K"), "{error}");
    }
}

use mote_wire::{Control, Down, Filter, MAX_TOPIC, Place, Public, Topic, Up, WireError, is_name};
use proptest::prelude::*;

const DIGEST: &str = "00ff000000000000000000000000000000000000000000000000000000000007";

fn every_topic() -> Vec<(String, Topic<'static>, bool)> {
    let mut digest = [0; 32];
    (digest[1], digest[31]) = (0xff, 7);
    let down = |channel| Topic::down("plant", "press-4", channel);
    let up = |channel| Topic::up("plant", "press-4", channel);
    let public = |public| Topic::public("plant", public);
    let control = |control| Topic { fleet: "plant", place: Place::Control(control) };
    [
        ("press-4/dn/want", down(Down::Want), true),
        ("press-4/dn/c/4294967295", down(Down::Chunk { xfer: u32::MAX }), false),
        ("press-4/dn/ask", down(Down::Ask), false),
        ("press-4/up/twin", up(Up::Twin), true),
        ("press-4/up/alive", up(Up::Alive), true),
        ("press-4/up/get", up(Up::Get), false),
        ("press-4/up/m", up(Up::Metrics), false),
        ("press-4/up/e", up(Up::Event), false),
        ("press-4/up/s", up(Up::Sample), false),
        ("_pub/keys/0", public(Public::Key { number: 0 }), true),
        ("_pub/beacon", public(Public::Beacon), true),
        ("_pub/rel/digits/12", public(Public::Release { model: "digits", version: 12 }), true),
        (&format!("_pub/x/{DIGEST}"), public(Public::Blob { digest }), false),
        ("_ctl/roll/spring", control(Control::Rollout { id: "spring" }), true),
        ("_ctl/lease", control(Control::Lease), true),
        ("_ctl/index/9", control(Control::Index { bucket: 9 }), true),
    ]
    .map(|(text, topic, retained)| (format!("mote/1/plant/{text}"), topic, retained))
    .into()
}

#[test]
fn every_topic_reads_and_writes() {
    for (text, topic, retained) in every_topic() {
        assert_eq!(Topic::parse(&text), Ok(topic), "{text}");
        assert_eq!(&*topic.text().unwrap(), text);
        assert_eq!(topic.is_retained(), retained, "{text}");
        assert!(text.matches('/').count() <= 6, "AWS allows seven slashes, one is spare");
    }
}

#[test]
fn other_topics_are_refused() {
    use WireError::{BadName, NotATopic};
    let cases = [
        ("", NotATopic),
        ("mote/2/plant/press/dn/want", NotATopic),
        ("mote/1/plant", NotATopic),
        ("mote/1//press/dn/want", BadName),
        ("mote/1/plant/press/dn", NotATopic),
        ("mote/1/plant/press/dn/want/", NotATopic),
        ("mote/1/plant/press/dn/c", NotATopic),
        ("mote/1/plant/press/dn/c/01", NotATopic),
        ("mote/1/plant/press/dn/c/+1", NotATopic),
        ("mote/1/plant/press/dn/c/4294967296", NotATopic),
        ("mote/1/plant/press/up/telemetry", NotATopic),
        ("mote/1/plant/press/up/twin/x", NotATopic),
        ("mote/1/plant/pr.ess/up/twin", BadName),
        ("mote/1/plant/+/up/twin", BadName),
        ("mote/1/plant/_press/up/twin", BadName),
        ("mote/1/pl nt/press/up/twin", BadName),
        ("mote/1/plant/_pub/rel/digits", NotATopic),
        ("mote/1/plant/_pub/rel/dig.its/1", BadName),
        ("mote/1/plant/_pub/x/00FF", NotATopic),
        ("mote/1/plant/_pub/beacon/1", NotATopic),
        ("mote/1/plant/_ctl/lease/1", NotATopic),
    ];
    for (text, error) in cases {
        assert_eq!(Topic::parse(text), Err(error), "{text}");
    }
}

#[test]
fn bad_names_are_not_written() {
    let long = "x".repeat(65);
    for name in ["", "a.b", "a/b", "#", "$SYS", long.as_str()] {
        assert!(!is_name(name), "{name}");
        assert!(Topic::up(name, "press", Up::Twin).text().is_err(), "{name}");
        assert!(Topic::up("plant", name, Up::Twin).text().is_err(), "{name}");
        assert!(Filter::Device { fleet: "plant", device: name }.text().is_err(), "{name}");
        let public = Public::Release { model: name, version: 1 };
        assert!(Topic::public("plant", public).text().is_err(), "{name}");
    }
    assert!(Topic::up("plant", "_pub", Up::Twin).text().is_err());
}

#[test]
fn the_longest_topic_fits() {
    let name = "x".repeat(64);
    let longest = Topic::public(&name, Public::Release { model: &name, version: u64::MAX });
    assert_eq!(longest.text().unwrap().len(), MAX_TOPIC);
}

#[test]
fn filters() {
    let cases = [
        (Filter::Device { fleet: "plant", device: "press" }, "mote/1/plant/press/dn/#"),
        (Filter::Every { fleet: "plant", channel: Up::Metrics }, "mote/1/plant/+/up/m"),
        (Filter::Public { fleet: "plant" }, "mote/1/plant/_pub/#"),
    ];
    for (filter, text) in cases {
        assert_eq!(&*filter.text().unwrap(), text);
    }
}

proptest! {
    #[test]
    fn what_parses_has_one_spelling(text in "mote/1/[a-z_.]{1,3}/(_pub|_ctl|[a-z]{1,2})/(dn|up|rel|keys|index)/[a-z0-9]{1,4}(/[0-9]{1,3})?") {
        if let Ok(topic) = Topic::parse(&text) {
            prop_assert_eq!(&*topic.text().unwrap(), text.as_str());
        }
    }

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        let _refused = Topic::parse(&text);
    }
}

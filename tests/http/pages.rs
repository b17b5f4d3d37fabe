use serde_json::{Value, json};

use crate::site::{MODEL, Site};

const INDEX: &[u8] = b"<!doctype html><title>page</title>";
const CODE: &[u8] = b"\0asm";

fn site() -> Site {
    let files: [(&str, &[u8]); 5] = [
        ("page/index.html", INDEX),
        ("page/deep/code.wasm", CODE),
        ("page/.hidden", b"hidden"),
        ("secret.html", b"secret"),
        ("models/test.csv", b"1,2,3\n"),
    ];
    Site::start_with(&files, "pages = \"page\"")
}

#[test]
fn a_page_is_served_as_it_lies_in_its_folder_and_nothing_else_is() {
    let site = site();
    for (path, kind, bytes) in [
        ("/", "text/html; charset=utf-8", INDEX),
        ("/?model=x", "text/html; charset=utf-8", INDEX),
        ("/index.html", "text/html; charset=utf-8", INDEX),
        ("/deep/code.wasm", "application/wasm", CODE),
    ] {
        let reply = site.get(path);
        assert_eq!((reply.status, reply.header("content-type"), &*reply.body), (200, kind, bytes), "{path}");
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe-inline"), "{path}: {policy}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");

        let tag = reply.header("etag");
        let again = site.send("GET", path, &format!("If-None-Match: {tag}\r\n"), "");
        assert_eq!((again.status, again.header("etag"), again.body.len()), (304, tag, 0), "{path}");
        let head = site.send("HEAD", path, "", "");
        assert_eq!((head.status, head.header("content-length")), (200, bytes.len().to_string().as_str()), "{path}");
    }

    // However a path is dressed up, it is looked up as it stands, and what is not a file of the page is answered in JSON.
    for path in [
        "/../secret.html",
        "/deep/../../secret.html",
        "/%2e%2e/secret.html",
        "/..%2fsecret.html",
        "/..\\secret.html",
        "//secret.html",
        "/./index.html/..",
        "/.hidden",
        "/deep",
        "/deep/",
        "/index.html/",
        "/index.html%00",
        "/mote.toml",
        "/v2/nothing",
    ] {
        let (status, answer) = site.json("GET", path, &Value::Null);
        assert_eq!(status, 404, "{path}: {answer}");
    }
    assert_eq!(site.json("POST", "/index.html", &Value::Null).0, 404);
}

#[test]
fn a_page_gets_the_models_that_it_may_open_and_the_keys_that_vouch_for_them() {
    let mut site = site();
    let (_, there) = site.json("GET", "/mote/1/models", &Value::Null);
    let file = &there["models"][0]["browser"];
    assert_eq!(
        (&there["fleet"], &there["device"], &there["managed"], &there["models"][0]["name"]),
        (&json!("plant"), &json!("gw"), &Value::Null, &json!(MODEL))
    );
    assert_eq!(there["models"][0]["gateway"]["release"], file["release"], "one release in two places");
    assert_eq!((&file["version"], &there["models"][0]["samples"]), (&json!(1), &json!(true)));

    let path = format!("/mote/1/models/{MODEL}/browser.mote");
    let reply = site.get(&path);
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/octet-stream"));
    assert_eq!(reply.body, site.page_file);
    let again = site.send("GET", &path, &format!("If-None-Match: {}\r\n", reply.header("etag")), "");
    assert_eq!(again.status, 304);
    assert_eq!(site.get("/mote/1/keys").text(), format!("{}\n", site.key));
    assert_eq!(site.get(&format!("/mote/1/models/{MODEL}/samples.csv")).text(), "1,2,3\n");

    for path in [
        "/mote/1/models/none/browser.mote",
        "/mote/1/models/none/samples.csv",
        "/mote/1/models/..%2f..%2fkeys/samples.csv",
        "/mote/1/models/%2e%2e%2fsecret/samples.csv",
        "/mote/1/nothing",
    ] {
        let (status, answer) = site.json("GET", path, &Value::Null);
        assert_eq!(status, 404, "{path}: {answer}");
    }

    // A file that is gone is said to be, and the rest goes on.
    std::fs::remove_file(site.place("models/digits.page.mote")).unwrap();
    let (status, answer) = site.json("GET", &path, &Value::Null);
    let error = answer["error"].as_str().unwrap();
    assert!(status == 500 && error.starts_with("digits.page.mote: "), "{status} {error}");
    assert_eq!(site.get("/v2/health/ready").status, 200);
    site.stop();
}

#[test]
fn a_gateway_without_pages_says_so_at_the_root() {
    let mut site = Site::start();
    let (status, answer) = site.json("GET", "/", &Value::Null);
    assert!(status == 404 && answer["error"].as_str().unwrap().contains("/v2"), "{answer}");
    site.stop();
}

#[test]
fn the_page_holds_itself_to_the_policy_that_the_gateway_sends() {
    let index = include_str!("../../web/playground/index.html");
    let written = index.split("content=\"default-src").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let mut site = Site::start_with(&[("page/index.html", index.as_bytes())], "pages = \"page\"");
    let reply = site.get("/");
    // What surrounds a page can only be said in a header.
    let sent = reply.header("content-security-policy").strip_suffix("; frame-ancestors 'none'").unwrap();
    assert_eq!(sent, format!("default-src{written}"));
    site.stop();
}

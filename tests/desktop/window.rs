//! One window of the app, as a person meets it: by the names and roles of what is in it.

use std::rc::Rc;

use serde_json::{Value, json};

use super::driver::Session;
use super::program::{patiently, until};

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub text: String,
    /// The words that are marked in it.
    pub marked: Vec<String>,
    pub selected: bool,
}

#[derive(Clone)]
pub struct AppWindow {
    session: Rc<Session>,
    handle: String,
}

impl AppWindow {
    /// The main window and the quick window.
    pub(super) fn both(session: Session) -> [Self; 2] {
        let session = Rc::new(session);
        until("both windows", || {
            let handles = session.get("/window/handles").ok()?;
            let windows: Vec<Self> = handles
                .as_array()?
                .iter()
                .filter_map(|handle| {
                    Some(Self { session: Rc::clone(&session), handle: handle.as_str()?.to_owned() })
                })
                .collect();
            let find = |page: &str| windows.iter().find(|window| window.address().ends_with(page)).cloned();
            Some([find("/index.html").or_else(|| find("localhost"))?, find("/quick.html")?])
        })
    }

    fn address(&self) -> String {
        self.session().get("/url").ok().and_then(|url| url.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// The session, with this window in front of it.
    fn session(&self) -> &Session {
        self.session.post("/window", &json!({ "handle": self.handle })).expect("the window is there");
        &self.session
    }

    /// Runs a function's body in the page.
    pub fn script(&self, body: &str, arguments: &[Value]) -> Value {
        let request = json!({ "script": body, "args": arguments });
        self.session().post("/execute/sync", &request).unwrap_or_else(|error| panic!("{error} in {body}"))
    }

    /// Runs the body of an async function in the page and waits for what it returns.
    pub fn promise(&self, body: &str, arguments: &[Value]) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             (async (...arguments_) => {{ {body} }})(...arguments).then(done, (thrown) => done({{ thrown: String(thrown) }}));"
        );
        let request = json!({ "script": script, "args": arguments });
        self.session().post("/execute/async", &request).unwrap_or_else(|error| panic!("{error} in {body}"))
    }

    /// Calls a command as code in the window could.
    pub fn invoke(&self, command: &str, arguments: &Value) -> Result<Value, String> {
        let body = "const [command, args] = arguments_;
             try { return { ok: await window.__TAURI_INTERNALS__.invoke(command, args) }; }
             catch (refused) { return { no: typeof refused === 'string' ? refused : JSON.stringify(refused) }; }";
        let mut outcome = self.promise(body, &[json!(command), arguments.clone()]);
        match outcome["no"].take() {
            Value::String(refused) => Err(refused),
            _ => Ok(outcome["ok"].take()),
        }
    }

    /// Everything that can be read in the window.
    pub fn text(&self) -> String {
        let text = self.script("return document.body.innerText", &[]);
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits for something in the window.
    pub fn until<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        patiently(look).unwrap_or_else(|| panic!("waited for {what}; the window says {:?}", self.text()))
    }

    /// Waits until the window says this.
    pub fn shows(&self, wanted: &str) {
        self.until(&format!("{wanted:?}"), || self.text().contains(wanted).then_some(()));
    }

    /// Waits until the window no longer says this.
    pub fn drops(&self, unwanted: &str) {
        self.until(&format!("{unwanted:?} to go"), || (!self.text().contains(unwanted)).then_some(()));
    }

    /// Clicks on the button with this name.
    pub fn click(&self, name: &str) {
        let xpath = format!("//button[@aria-label={name:?} or normalize-space(.)={name:?}]");
        self.click_on(name, &xpath);
    }

    /// Clicks on the button whose name begins so.
    pub fn click_starting(&self, start: &str) {
        let name = "concat(@aria-label, normalize-space(.))";
        self.click_on(start, &format!("//button[starts-with({name}, {start:?})]"));
    }

    /// Clicks on the label that begins so.
    pub fn click_label(&self, start: &str) {
        self.click_on(start, &format!("//label[starts-with(normalize-space(.), {start:?})]"));
    }

    /// Chooses an option of the box with this name.
    pub fn choose(&self, name: &str, value: &str) {
        self.click_on(value, &format!("//select[@aria-label={name:?}]/option[@value={value:?}]"));
    }

    /// Clicks on what an `XPath` finds, once it stands still: what moves between the look and the click is missed. `name`
    /// is for people.
    pub fn click_on(&self, name: &str, xpath: &str) {
        const STILL: &str = "
            const place = () => {
              const found = document.evaluate(
                arguments_[0], document, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null);
              return JSON.stringify(found.singleNodeValue?.getBoundingClientRect());
            };
            const before = place();
            await new Promise((later) => setTimeout(later, 40));
            return before !== undefined && before === place();";
        self.until(&format!("{name:?} to be there to click on"), || {
            (self.promise(STILL, &[json!(xpath)]) == true).then(|| self.session().click(xpath).ok())?
        });
    }

    /// The rows of the list.
    pub fn rows(&self) -> Vec<Row> {
        let rows = self.script(
            "return [...document.querySelectorAll('[role=option]')].map((row) => [
                 row.innerText,
                 [...row.querySelectorAll('mark')].map((mark) => mark.innerText),
                 row.getAttribute('aria-selected') === 'true',
             ])",
            &[],
        );
        let rows = rows.as_array().into_iter().flatten();
        rows.map(|row| Row {
            text: row[0].as_str().unwrap_or_default().to_owned(),
            marked: words(&row[1]),
            selected: row[2] == true,
        })
        .collect()
    }

    /// Waits for a row that satisfies, and returns it.
    pub fn row(&self, what: &str, satisfies: impl Fn(&Row) -> bool) -> Row {
        self.until(&format!("a row with {what}"), || self.rows().into_iter().find(&satisfies))
    }

    /// Waits until what is typed replaces what stands in the search field.
    pub fn ready_to_search(&self) {
        self.has_focus(
            "input[role=combobox]",
            "at.selectionStart === 0 && at.selectionEnd === at.value.length",
        );
    }

    /// Waits until what is typed goes into the text of the form.
    pub fn ready_to_write(&self) {
        self.has_focus("dialog textarea", "true");
    }

    /// Waits until keys go to this window.
    pub fn ready(&self) {
        self.has_focus("*", "true");
    }

    fn has_focus(&self, selector: &str, also: &str) {
        let script = format!(
            "const at = document.activeElement;
             return document.hasFocus() && at.matches(arguments[0]) && {also}"
        );
        self.until(&format!("the focus in {selector}"), || {
            (self.script(&script, &[json!(selector)]) == true).then_some(())
        });
    }

    /// What a person could not see or reach in the window, in words.
    pub fn layout_faults(&self) -> Vec<String> {
        words(&self.script(include_str!("layout.js"), &[]))
    }

    /// What stands in the search field.
    pub fn typed(&self) -> String {
        let typed = self.script("return document.querySelector('input[role=combobox]').value", &[]);
        typed.as_str().unwrap_or_default().to_owned()
    }
}

fn words(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|word| Some(word.as_str()?.to_owned())).collect()
}

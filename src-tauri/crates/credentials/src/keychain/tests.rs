//! Over a store that does what it is told.
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers too

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Condvar;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Entry, Error};

use super::*;

const KEY: &str = "sk-test-0123456789abcdef";
const OTHER: &str = "sk-test-fedcba9876543210";
const SHORT: Duration = Duration::from_millis(400);

/// What stands outside of the app: items, and the mood of whoever keeps them.
#[derive(Default)]
struct Outside {
    items: Mutex<Vec<(String, Vec<u8>)>>,
    /// What the next calls do in the place of what they should.
    moods: Mutex<VecDeque<Mood>>,
    /// Whether those that hang may go on.
    free: Mutex<bool>,
    freed: Condvar,
    calls: AtomicUsize,
    connections: AtomicUsize,
}

enum Mood {
    Fails(Error),
    /// Until [`Outside::free`].
    Hangs,
    Panics,
}

impl Outside {
    fn then(&self, moods: impl IntoIterator<Item = Mood>) {
        self.moods.lock().unwrap().extend(moods);
    }

    fn free(&self) {
        *self.free.lock().unwrap() = true;
        self.freed.notify_all();
    }

    fn items(&self) -> Vec<(String, Vec<u8>)> {
        self.items.lock().unwrap().clone()
    }

    fn put(&self, slot: &Slot, bytes: &[u8]) {
        self.items.lock().unwrap().push((platform::item_name(slot), bytes.to_vec()));
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

#[derive(Clone)]
struct Store(Arc<Outside>, String);

impl Store {
    fn enter(&self) -> Result<(), Error> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        let mood = self.0.moods.lock().unwrap().pop_front();
        match mood {
            Some(Mood::Fails(error)) => Err(error),
            Some(Mood::Panics) => panic!("what a keychain's library should not do"),
            Some(Mood::Hangs) => {
                let free = self.0.free.lock().unwrap();
                drop(self.0.freed.wait_while(free, |free| !*free).unwrap());
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl CredentialStoreApi for Store {
    fn vendor(&self) -> String {
        "test".to_owned()
    }
    fn id(&self) -> String {
        "test".to_owned()
    }
    fn build(&self, _: &str, user: &str, _: Option<&HashMap<&str, &str>>) -> Result<Entry, Error> {
        Ok(Entry::new_with_credential(Arc::new(Self(Arc::clone(&self.0), user.to_owned()))))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl CredentialApi for Store {
    fn set_secret(&self, secret: &[u8]) -> Result<(), Error> {
        self.enter()?;
        let mut items = self.0.items.lock().unwrap();
        items.retain(|(name, _)| *name != self.1);
        items.push((self.1.clone(), secret.to_vec()));
        Ok(())
    }
    fn get_secret(&self) -> Result<Vec<u8>, Error> {
        self.enter()?;
        let items = self.0.items();
        items.into_iter().find(|(name, _)| *name == self.1).map(|(_, bytes)| bytes).ok_or(Error::NoEntry)
    }
    fn delete_credential(&self) -> Result<(), Error> {
        self.enter()?;
        let mut items = self.0.items.lock().unwrap();
        let at = items.iter().position(|(name, _)| *name == self.1).ok_or(Error::NoEntry)?;
        items.remove(at);
        Ok(())
    }
    fn get_credential(&self) -> Result<Option<Arc<keyring_core::Credential>>, Error> {
        Ok(None)
    }
    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn keychain(patience: Duration) -> (Arc<Outside>, Arc<Keychain>, Slot) {
    let outside = Arc::new(Outside::default());
    let there = Arc::clone(&outside);
    let connect = move || -> Result<Arc<keyring_core::CredentialStore>, Error> {
        there.connections.fetch_add(1, Ordering::SeqCst);
        Ok(Arc::new(Store(Arc::clone(&there), String::new())))
    };
    let keychain = Arc::new(Keychain::over(Arc::new(connect), "test", patience));
    (outside, keychain, Slot::papr("One").unwrap())
}

fn secret(text: &str) -> Secret {
    Secret::parse(text.to_owned()).unwrap()
}

fn exposed(keychain: &Keychain, slot: &Slot) -> Option<String> {
    keychain.get(slot).unwrap().map(|found| found.secret.expose().to_owned())
}

#[test]
fn the_system_is_asked_once_a_slot_until_a_refresh() {
    let (outside, keychain, slot) = keychain(PATIENCE);
    for _ in 0..3 {
        assert!(keychain.get(&slot).unwrap().is_none());
    }
    assert_eq!(outside.calls(), 1, "that there is nothing is remembered");
    outside.put(&slot, KEY.as_bytes());
    assert!(keychain.get(&slot).unwrap().is_none());
    keychain.refresh(&slot);
    for _ in 0..3 {
        assert_eq!(exposed(&keychain, &slot).as_deref(), Some(KEY));
        assert_eq!(keychain.status(&slot).unwrap().unwrap().last_four, "cdef");
    }
    assert_eq!((outside.calls(), outside.connections.load(Ordering::SeqCst)), (2, 1));
    keychain.set(&slot, &secret(OTHER)).unwrap();
    assert_eq!(exposed(&keychain, &slot).as_deref(), Some(OTHER));
    assert!(keychain.remove(&slot).unwrap());
    assert!(keychain.get(&slot).unwrap().is_none());
    assert_eq!(outside.calls(), 4, "what was changed here need not be read");
    assert!(!keychain.remove(&slot).unwrap());
    assert!(outside.items().is_empty());
}

#[test]
fn two_who_ask_at_once_make_one_question() {
    let (outside, keychain, slot) = keychain(PATIENCE);
    outside.put(&slot, KEY.as_bytes());
    outside.then([Mood::Hangs]);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (keychain, slot) = (Arc::clone(&keychain), slot.clone());
            thread::spawn(move || exposed(&keychain, &slot))
        })
        .collect();
    thread::sleep(SHORT);
    outside.free();
    for thread in threads {
        assert_eq!(thread.join().unwrap().as_deref(), Some(KEY));
    }
    assert_eq!(outside.calls(), 1);
}

#[test]
fn a_keychain_that_hangs_holds_up_nobody_and_its_late_answer_counts() {
    let (outside, keychain, slot) = keychain(SHORT);
    outside.put(&slot, KEY.as_bytes());
    outside.then([Mood::Hangs]);
    let begin = Instant::now();
    let error = keychain.get(&slot).unwrap_err();
    assert_eq!(error, CredentialError::TimedOut { waited: SHORT });
    assert_eq!(error.to_string(), "the system's keychain did not answer within 0.4 s");
    assert!(begin.elapsed() < SHORT + Duration::from_secs(5), "{:?}", begin.elapsed());
    let other = Slot::model_hub();
    assert!(matches!(keychain.get(&other), Err(CredentialError::TimedOut { .. })), "it waits behind");
    outside.free();
    let end = Instant::now() + Duration::from_secs(10);
    while lock(&keychain.known).get(&slot).unwrap().said.is_none() && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(exposed(&keychain, &slot).as_deref(), Some(KEY));
    assert_eq!(outside.calls(), 1, "neither asked again, nor begun for somebody who has gone");
}

#[test]
fn what_a_person_asks_for_goes_past_a_call_that_hangs() {
    let (outside, keychain, slot) = keychain(SHORT);
    outside.put(&slot, KEY.as_bytes());
    outside.then([Mood::Hangs]);
    keychain.get(&slot).unwrap_err();
    assert!(keychain.remove(&slot).unwrap());
    keychain.set(&slot, &secret(OTHER)).unwrap();
    assert_eq!(exposed(&keychain, &slot).as_deref(), Some(OTHER));
    outside.free();
    thread::sleep(SHORT);
    assert_eq!(
        exposed(&keychain, &slot).as_deref(),
        Some(OTHER),
        "an answer to an older question is dropped"
    );
}

#[test]
fn what_is_no_key_is_damage_and_a_new_key_repairs_it() {
    let (outside, keychain, slot) = keychain(PATIENCE);
    let cases: [(&[u8], &str); 3] = [
        (b"\xff\xfesecret-of-old", "it is not text"),
        (b"secret of old", "character 7 is a space or a line break"),
        (b"", "it is empty"),
    ];
    for (bytes, expected) in cases {
        outside.items.lock().unwrap().clear();
        outside.put(&slot, bytes);
        let error = keychain.get(&slot).unwrap_err();
        assert_eq!(error, CredentialError::Damaged { slot: slot.clone(), reason: expected.to_owned() });
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    for error in [Error::BadEncoding(KEY.into()), Error::BadDataFormat(KEY.into(), Box::new(Error::NoEntry))]
    {
        outside.then([Mood::Fails(error)]);
        let error = keychain.get(&slot).unwrap_err();
        assert!(matches!(error, CredentialError::Damaged { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(KEY));
    }
    keychain.set(&slot, &secret(KEY)).unwrap();
    assert_eq!(exposed(&keychain, &slot).as_deref(), Some(KEY));
}

#[test]
fn two_items_of_one_name_become_one_or_none() {
    let (outside, keychain, slot) = keychain(PATIENCE);
    let several = || {
        let item = Store(Arc::clone(&outside), platform::item_name(&slot));
        let entries = [item.clone(), item].map(|item| Entry::new_with_credential(Arc::new(item)));
        Mood::Fails(Error::Ambiguous(entries.into()))
    };
    let put = || [KEY, OTHER].map(|text| outside.put(&slot, text.as_bytes()));
    put();
    outside.then([several()]);
    let error = keychain.get(&slot).unwrap_err();
    let reason = "there are 2 items of that name".to_owned();
    assert_eq!(error, CredentialError::Damaged { slot: slot.clone(), reason });
    outside.then([several()]);
    keychain.set(&slot, &secret(OTHER)).unwrap();
    assert_eq!(outside.items().len(), 1);
    put();
    outside.items.lock().unwrap().remove(0);
    outside.then([several()]);
    assert!(keychain.remove(&slot).unwrap());
    assert!(outside.items().is_empty(), "what is removed is removed everywhere");
}

#[test]
fn a_library_that_panics_is_an_error_and_nothing_worse() {
    let (outside, keychain, slot) = keychain(PATIENCE);
    outside.put(&slot, KEY.as_bytes());
    outside.then([Mood::Panics]);
    let error = keychain.get(&slot).unwrap_err();
    assert_eq!(error, CredentialError::Failed { reason: "it broke off".to_owned() });
    assert_eq!(exposed(&keychain, &slot).as_deref(), Some(KEY));
    assert_eq!(outside.connections.load(Ordering::SeqCst), 2, "over another connection");
}

#[test]
fn a_failed_change_leaves_what_is_known_unless_it_may_be_half_done() {
    let (outside, keychain, slot) = keychain(PATIENCE);
    keychain.set(&slot, &secret(KEY)).unwrap();
    outside.then([Mood::Fails(Error::NoDefaultStore)]);
    let error = keychain.set(&slot, &secret(OTHER)).unwrap_err();
    assert!(matches!(error, CredentialError::Missing { .. }), "{error:?}");
    assert_eq!((exposed(&keychain, &slot).as_deref(), outside.calls()), (Some(KEY), 2));
    outside.then([Mood::Fails(Error::Invalid("service".to_owned(), "empty".to_owned()))]);
    let error = keychain.remove(&slot).unwrap_err();
    assert!(matches!(error, CredentialError::Failed { .. }), "{error:?}");
    assert_eq!((exposed(&keychain, &slot).as_deref(), outside.calls()), (Some(KEY), 4), "it is read again");
}

#[cfg(target_os = "linux")]
mod with_errors_of_the_bus {
    use super::*;

    fn bus(error: zbus::fdo::Error) -> Mood {
        Mood::Fails(Error::PlatformFailure(Box::new(secret_service::Error::ZbusFdo(error))))
    }

    #[test]
    fn a_refusal_is_remembered_and_a_lock_is_not() {
        let (outside, keychain, slot) = keychain(PATIENCE);
        outside.put(&slot, KEY.as_bytes());
        outside.then([bus(zbus::fdo::Error::AccessDenied("policy".to_owned()))]);
        for _ in 0..3 {
            assert_eq!(keychain.get(&slot).unwrap_err(), CredentialError::Denied);
        }
        assert_eq!(outside.calls(), 1, "nobody is asked again what they refused");
        keychain.refresh(&slot);
        let locked = || Error::NoStorageAccess(Box::new(secret_service::Error::Locked));
        outside.then([Mood::Fails(locked()), Mood::Fails(locked())]);
        assert_eq!(keychain.get(&slot).unwrap_err(), CredentialError::Locked);
        assert_eq!(keychain.get(&slot).unwrap_err(), CredentialError::Locked);
        assert_eq!(exposed(&keychain, &slot).as_deref(), Some(KEY), "it was unlocked meanwhile");
    }

    #[test]
    fn a_connection_that_ended_is_made_again() {
        let (outside, keychain, slot) = keychain(PATIENCE);
        outside.put(&slot, KEY.as_bytes());
        exposed(&keychain, &slot);
        keychain.refresh(&slot);
        outside.then([bus(zbus::fdo::Error::Failed("The session does not exist".to_owned()))]);
        assert_eq!(exposed(&keychain, &slot).as_deref(), Some(KEY));
        assert_eq!(outside.connections.load(Ordering::SeqCst), 2);
    }
}

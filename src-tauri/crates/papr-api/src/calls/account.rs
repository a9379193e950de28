//! Whether a key is good.

use std::fmt;

use reqwest::Method;

use crate::client::Client;
use crate::error::Error;
use crate::lenient::{self, Fields};
use crate::observe::Endpoint;
use crate::read::list;
use crate::read::raw::Raw;

/// A user that a key's owner has made.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// What Papr calls them.
    pub user_id: Option<String>,
    /// What the key's owner calls them.
    pub external_id: Option<String>,
    /// Their address.
    pub email: Option<String>,
}

/// Without the address.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// What a good key sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyInfo {
    /// How many users its owner has made.
    pub users: Option<u64>,
    /// The first of them. Papr has no call that tells a key's own account, so this is the nearest to a name of it.
    pub first_user: Option<User>,
}

impl Client {
    /// `GET /v1/user` with a page of one: the cheapest call that a wrong key does not pass.
    ///
    /// Only an answer in Papr's own form is a yes: a network's sign-in page also says 200.
    pub async fn check_key(&self) -> Result<KeyInfo, Error> {
        let mut call = self.0.call(Endpoint::CheckKey, Method::GET, &["user"]);
        call.url.query_pairs_mut().append_pair("page", "1").append_pair("page_size", "1");
        let (mut map, status) = self.0.object(&call).await?;
        let users = map.get("total").and_then(lenient::count);
        let data = list::take(&mut map, "data");
        if data.is_none() && !map.contains_key("code") && !map.contains_key("status") {
            return Err(self.0.unreadable(status, "it does not say anything about the key"));
        }
        let user = |raw: Raw| {
            let Raw::Object { fields, .. } = raw else { return Err("it is not an object") };
            let mut fields = Fields::new(fields);
            let user_id = fields.text(&["user_id", "userId", "id"]);
            let external_id = fields.text(&["external_id", "externalId"]);
            Ok(User { user_id, external_id, email: fields.text(&["email"]) })
        };
        let found = list::items(data.unwrap_or_default(), "data", &mut Vec::new(), user);
        Ok(KeyInfo { users, first_user: found.into_iter().next() })
    }
}

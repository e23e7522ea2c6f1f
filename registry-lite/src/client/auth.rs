//! Proving who asks: Basic, or a token for a scope (distribution's "Token Authentication Specification" and its OAuth 2 form).

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use ureq::http::Method;
use ureq::http::header::CONTENT_TYPE;

use super::challenge::Challenge;
use super::credentials::{Login, Secret};
use super::error::{Answer, ClientError};
use super::options::CredentialSource;
use super::transport::{Outgoing, Payload, Transport, origin, with_query};

/// Largest answer of a token server, in bytes.
const TOKEN_BYTES: u64 = 64 << 10;
/// How long a token lasts that does not say (token authentication specification, `expires_in`).
const TOKEN_LIFE: Duration = Duration::from_secs(60);
/// How long before its end a token is no longer used.
const TOKEN_MARGIN: Duration = Duration::from_secs(10);

/// What a request needs to be allowed.
#[derive(Debug, Clone)]
pub(super) struct Access {
    repository: String,
    scopes: Vec<String>,
}

impl Access {
    pub(super) fn none() -> Self {
        Self { repository: String::new(), scopes: Vec::new() }
    }

    pub(super) fn pull(repository: &str) -> Self {
        Self { repository: repository.to_owned(), scopes: vec![format!("repository:{repository}:pull")] }
    }

    pub(super) fn push(repository: &str) -> Self {
        Self { repository: repository.to_owned(), scopes: vec![format!("repository:{repository}:pull,push")] }
    }

    pub(super) fn and_pull(mut self, repository: &str) -> Self {
        self.scopes.push(format!("repository:{repository}:pull"));
        self
    }

    pub(super) fn repository(&self) -> &str {
        &self.repository
    }

    fn key(&self) -> String {
        self.scopes.join(" ")
    }

    /// Our scopes and those of the challenge, which a registry may spell by other names, each resource once.
    fn scopes(&self, challenged: Option<&str>) -> Vec<String> {
        let mut scopes = self.scopes.clone();
        for theirs in challenged.unwrap_or_default().split_ascii_whitespace() {
            if scopes.iter().any(|ours| covers(ours, theirs)) {
                continue;
            }
            scopes.retain(|ours| !covers(theirs, ours));
            scopes.push(theirs.to_owned());
        }
        scopes
    }
}

/// Whether the scope `a` allows all that `b` does.
fn covers(a: &str, b: &str) -> bool {
    match (a.rsplit_once(':'), b.rsplit_once(':')) {
        (Some((a, allowed)), Some((b, wanted))) => {
            a == b && wanted.split(',').all(|action| allowed.split(',').any(|other| other == action))
        }
        _ => a == b,
    }
}

/// What is known about the ways of one registry.
pub(super) struct Auth {
    host: String,
    source: CredentialSource,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    basic: bool,
    logins: HashMap<String, Option<Login>>,
    /// By [`Access::key`].
    tokens: HashMap<String, Token>,
}

struct Token {
    header: Secret,
    end: Instant,
    /// What the token was the answer to.
    challenge: Challenge,
}

impl Auth {
    pub(super) fn new(host: &str, source: CredentialSource) -> Self {
        Self { host: host.to_owned(), source, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is a single insertion, so a thread that died left nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The login for `repository`, looked up once: a helper may be slow, or ask its user.
    fn login(&self, repository: &str) -> Result<Option<Login>, ClientError> {
        if let Some(login) = self.state().logins.get(repository) {
            return Ok(login.clone());
        }
        let login = Login::find(&self.source, &self.host, repository)?;
        self.state().logins.insert(repository.to_owned(), login.clone());
        Ok(login)
    }

    /// Whose login is used for `access`.
    pub(super) fn user(&self, access: &Access) -> Option<String> {
        let state = self.state();
        state.logins.get(access.repository())?.as_ref().map(Login::user)
    }

    /// The `Authorization` that worked last time, so that no request needs to be refused first: content that is streamed
    /// cannot be sent again. A token that has expired is fetched anew.
    pub(super) fn remembered(
        &self,
        transport: &Transport,
        base: &str,
        access: &Access,
    ) -> Result<Option<Secret>, ClientError> {
        let (basic, challenge) = {
            let state = self.state();
            match state.tokens.get(&access.key()) {
                Some(token) if Instant::now() < token.end => return Ok(Some(token.header.clone())),
                expired => (state.basic, expired.map(|token| token.challenge.clone())),
            }
        };
        match challenge {
            Some(challenge) => self.answer(transport, base, &challenge, access),
            None if basic => Ok(self.login(access.repository())?.as_ref().and_then(basic_header)),
            None => Ok(None),
        }
    }

    /// The `Authorization` that answers `challenge`, which came from the registry itself at `base`; `None` if there is no
    /// login and the registry wants one.
    pub(super) fn answer(
        &self,
        transport: &Transport,
        base: &str,
        challenge: &Challenge,
        access: &Access,
    ) -> Result<Option<Secret>, ClientError> {
        let login = self.login(access.repository())?;
        let Challenge::Bearer { realm, service, scope } = challenge else {
            self.state().basic = true;
            return Ok(login.as_ref().and_then(basic_header));
        };
        let protocol = |rule| ClientError::Protocol { place: self.host.clone(), rule };
        match (origin(realm), origin(base)) {
            (Some(("http", _)), Some(("https", _))) => return Err(protocol("its token server is not on https")),
            (Some(_), _) => {}
            (None, _) => return Err(protocol("the `realm` of its challenge is not an http(s) address")),
        }
        let scopes = access.scopes(scope.as_deref());
        let (token, life) = self.exchange(transport, realm, service.as_deref(), &scopes, login)?;
        let header = Secret::new(format!("Bearer {}", token.expose()));
        let end = Instant::now() + life.saturating_sub(TOKEN_MARGIN);
        let token = Token { header: header.clone(), end, challenge: challenge.clone() };
        self.state().tokens.insert(access.key(), token);
        Ok(Some(header))
    }

    fn exchange(
        &self,
        transport: &Transport,
        realm: &str,
        service: Option<&str>,
        scopes: &[String],
        login: Option<Login>,
    ) -> Result<(Secret, Duration), ClientError> {
        #[derive(Deserialize)]
        struct Body {
            token: Option<String>,
            access_token: Option<String>,
            expires_in: Option<u64>,
        }
        let user = login.as_ref().map(Login::user);
        let place = format!("{} (token server {})", self.host, origin(realm).map_or("", |(_, authority)| authority));
        let (mut request, form, authorization) = match login {
            Some(Login::IdentityToken(token)) => {
                let form = token_form(service, scopes, &token);
                let mut request = Outgoing::new(Method::POST, realm.to_owned());
                request.headers.push((CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned()));
                (request, Some(form), None)
            }
            login => {
                let url = token_url(realm, service, scopes, user.as_deref());
                (Outgoing::new(Method::GET, url), None, login.as_ref().and_then(basic_header))
            }
        };
        if let Some(form) = &form {
            request.payload = Payload::Bytes(form.expose().as_bytes());
        }
        let response = match transport.send_here(&mut request, authorization.as_ref()) {
            Ok(response) => response,
            Err(source) => return Err(ClientError::Unreachable { place, source }),
        };
        match response.status().as_u16() {
            200 => {}
            400 | 401 | 403 => return Err(ClientError::Unauthorized { place, user, answer: Answer::read(response) }),
            _ => {
                return Err(ClientError::Refused { place, action: "give out a token", answer: Answer::read(response) });
            }
        }
        let mut bytes = Vec::new();
        if let Err(e) = response.into_body().into_reader().take(TOKEN_BYTES).read_to_end(&mut bytes) {
            return Err(ClientError::Unreachable { place, source: e.into() });
        }
        let body: Option<Body> = serde_json::from_slice(&bytes).ok();
        let life =
            body.as_ref().and_then(|body| body.expires_in).map_or(TOKEN_LIFE, |s| Duration::from_secs(s.min(3600)));
        match body.and_then(|body| body.token.or(body.access_token)).filter(|token| !token.is_empty()) {
            Some(token) if token.bytes().all(|b| b.is_ascii_graphic()) => Ok((Secret::new(token), life)),
            _ => Err(ClientError::Protocol { place, rule: "its token server answered without a token" }),
        }
    }
}

/// `GET realm?service=…&scope=…&account=…`.
fn token_url(realm: &str, service: Option<&str>, scopes: &[String], account: Option<&str>) -> String {
    let scopes = scopes.iter().map(|scope| ("scope", scope.as_str()));
    service
        .map(|s| ("service", s))
        .into_iter()
        .chain(scopes)
        .chain(account.map(|a| ("account", a)))
        .fold(realm.to_owned(), |url, (name, value)| with_query(&url, &format!("{name}={}", encode(value))))
}

/// The form of a refresh (distribution's "Docker Registry v2 authentication using OAuth2").
fn token_form(service: Option<&str>, scopes: &[String], token: &Secret) -> Secret {
    Secret::new(format!(
        "grant_type=refresh_token&client_id=sealift&service={}&scope={}&refresh_token={}",
        encode(service.unwrap_or_default()),
        encode(&scopes.join(" ")),
        encode(token.expose()),
    ))
}

fn encode(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

/// RFC 7617. A registry that asks for Basic cannot be given an identity token.
fn basic_header(login: &Login) -> Option<Secret> {
    match login {
        Login::Password { user, password } => {
            Some(Secret::new(format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose())))))
        }
        Login::IdentityToken(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_resource_is_asked_for_once_with_all_that_is_needed() {
        for (why, access, challenged, expected) in [
            ("no challenge", Access::pull("a"), None, vec!["repository:a:pull"]),
            ("the same", Access::pull("a"), Some("repository:a:pull"), vec!["repository:a:pull"]),
            ("less", Access::push("a"), Some("repository:a:pull"), vec!["repository:a:pull,push"]),
            ("more", Access::pull("a"), Some("repository:a:pull,push"), vec!["repository:a:pull,push"]),
            (
                "another name",
                Access::pull("a"),
                Some("repository:proxy/a:pull"),
                vec!["repository:a:pull", "repository:proxy/a:pull"],
            ),
            (
                "a mount",
                Access::push("a").and_pull("b"),
                Some("repository:a:push,pull"),
                vec!["repository:a:pull,push", "repository:b:pull"],
            ),
        ] {
            assert_eq!(access.scopes(challenged), expected, "{why}");
        }
    }

    #[test]
    fn a_realm_may_have_a_query_already() {
        assert_eq!(
            token_url("https://t/x?y=1", Some("r s"), &["repository:a:pull".to_owned()], Some("u")),
            "https://t/x?y=1&service=r%20s&scope=repository%3Aa%3Apull&account=u"
        );
    }
}

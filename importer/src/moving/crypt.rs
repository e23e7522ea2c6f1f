//! Encryption: the age format, for recipients of X25519 alone (age-encryption.org/v1).

use std::io::{Read, Write};

use age::stream::{StreamReader, StreamWriter};
use age::x25519::{Identity, Recipient};
use age::{DecryptError, Decryptor, Encryptor};

use super::MoveError;

/// Most recipients of one file, and most identities that are tried.
const MOST: usize = 64;

/// Those who can read what is encrypted. At least one.
pub struct Recipients(Vec<Recipient>);

/// Private keys that open what is encrypted to one of them. At least one. Not shown by `Debug`.
pub struct Identities(Vec<Identity>);

impl Recipients {
    /// The recipients of these texts, each `age1…`.
    ///
    /// # Errors
    /// [`MoveError::Recipient`]: one is none, or there is none, or there are more than 64.
    pub fn parse(texts: &[String]) -> Result<Self, MoveError> {
        let fail = |text: &str, why| MoveError::Recipient { text: text.to_owned(), why };
        if texts.is_empty() || texts.len() > MOST {
            return Err(fail("", "there must be 1 to 64 of them"));
        }
        let parse = |text: &String| text.parse().map_err(|why| fail(text, why));
        Ok(Self(texts.iter().map(parse).collect::<Result<_, _>>()?))
    }

    pub(super) fn encrypt<W: Write>(&self, out: W) -> std::io::Result<StreamWriter<W>> {
        let recipients = self.0.iter().map(|r| r as &dyn age::Recipient);
        Encryptor::with_recipients(recipients).map_err(std::io::Error::other)?.wrap_output(out)
    }
}

impl Identities {
    /// The identities of a file as `age-keygen` writes it: one in a line, and comments.
    ///
    /// # Errors
    /// [`MoveError::Identity`]: a line is none, or there is none, or there are more than 64. No line is repeated in it.
    pub fn parse(text: &str) -> Result<Self, MoveError> {
        let mut found = Vec::new();
        for (number, line) in (1_usize..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if found.len() >= MOST {
                return Err(MoveError::Identity { why: format!("it has more than {MOST} identities") });
            }
            let identity = line.parse::<Identity>();
            found.push(identity.map_err(|why| MoveError::Identity { why: format!("line {number}: {why}") })?);
        }
        match found.is_empty() {
            true => Err(MoveError::Identity { why: "it has no line AGE-SECRET-KEY-1…".to_owned() }),
            false => Ok(Self(found)),
        }
    }

    pub(super) fn decrypt<R: Read>(&self, input: R) -> Result<StreamReader<R>, DecryptError> {
        Decryptor::new(input)?.decrypt(self.0.iter().map(|i| i as &dyn age::Identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::secrecy::ExposeSecret as _;

    fn pair() -> (String, String) {
        let identity = Identity::generate();
        (identity.to_public().to_string(), identity.to_string().expose_secret().to_owned())
    }

    fn read(identities: &Identities, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let mut reader = identities.decrypt(bytes).map_err(|e| e.to_string())?;
        reader.read_to_end(&mut out).map_err(|e| e.to_string())?;
        Ok(out)
    }

    #[test]
    fn each_recipient_reads_and_nobody_else_does() {
        let ((one, one_key), (two, two_key), (_, other_key)) = (pair(), pair(), pair());
        let mut encrypted = Vec::new();
        let mut writer = Recipients::parse(&[one, two]).unwrap().encrypt(&mut encrypted).unwrap();
        writer.write_all(b"secret").unwrap();
        writer.finish().unwrap();
        assert!(!encrypted.windows(6).any(|w| w == b"secret"));
        for (key, reads) in [(one_key.clone(), true), (two_key, true), (other_key, false)] {
            let identities = Identities::parse(&format!("# made today\n\n{key}\n")).unwrap();
            assert_eq!(read(&identities, &encrypted).is_ok_and(|out| out == b"secret"), reads);
        }
        let identities = Identities::parse(&one_key).unwrap();
        let last = encrypted.len() - 1;
        encrypted[last] ^= 1;
        assert!(read(&identities, &encrypted).is_err(), "a changed byte");
        encrypted.truncate(last);
        assert!(read(&identities, &encrypted).is_err(), "a cut end");
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let (recipient, key) = pair();
        assert!(Recipients::parse(&[]).is_err());
        assert!(Recipients::parse(std::slice::from_ref(&key)).is_err());
        assert!(Recipients::parse(&vec![recipient.clone(); 65]).is_err());
        for text in ["", "# only a comment\n", "age1", "AGE-SECRET-KEY-1", &recipient] {
            assert!(Identities::parse(text).is_err(), "{text}");
        }
        let broken = key.replace("AGE-SECRET-KEY-1", "AGE-SECRET-KEY-2");
        let Err(e) = Identities::parse(&broken) else { panic!("{broken}") };
        assert!(!e.to_string().contains(&broken), "{e}");
    }
}

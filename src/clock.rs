//! What time it is, or is to be.

use bundle_format::Code;
use jiff::Timestamp;

use crate::failure::Failure;

/// `SOURCE_DATE_EPOCH` (reproducible-builds.org), if it is set.
pub fn source_date_epoch() -> Result<Option<Timestamp>, Failure> {
    let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let wrong = || Failure::new(Code::Usage, format_args!("SOURCE_DATE_EPOCH={text:?} is not a number of seconds"));
    let seconds: i64 = text.parse().map_err(|_| wrong())?;
    Timestamp::from_second(seconds).map(Some).map_err(|_| wrong())
}

/// Now, by this machine's clock.
pub fn now() -> Timestamp {
    Timestamp::now()
}

//! Where an answer's bytes go: decompressed, counted, and handed on as they come.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use serde_json::{Map, Value};

/// Why an answer's body is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// It ended in the middle.
    Cut,
    /// It is not what it should be; the words repeat nothing of it.
    Wrong(&'static str),
    /// It has more than so many bytes.
    TooLong(u64),
}

/// Takes an answer's bytes.
pub(crate) trait Sink: Send {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BodyFault>;

    /// The answer is whole.
    fn finish(&mut self) -> Result<(), BodyFault> {
        Ok(())
    }

    /// Forgets what came so far, for another attempt. False where that cannot be done.
    fn restart(&mut self) -> bool;
}

/// Keeps everything, and reads it as one JSON object at the end.
#[derive(Debug, Default)]
pub(crate) struct Document {
    bytes: Vec<u8>,
    pub(crate) map: Map<String, Value>,
}

impl Sink for Document {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BodyFault> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), BodyFault> {
        let bytes = std::mem::take(&mut self.bytes);
        // The mark that some writers put before UTF-8.
        match serde_json::from_slice(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes)) {
            Ok(Value::Object(map)) => self.map = map,
            Ok(_) => return Err(BodyFault::Wrong("it is not an object")),
            Err(error) if error.is_eof() => return Err(BodyFault::Cut),
            Err(_) => return Err(BodyFault::Wrong("it is not JSON")),
        }
        Ok(())
    }

    fn restart(&mut self) -> bool {
        self.bytes.clear();
        true
    }
}

/// Keeps the beginning: what a refusal says is at its start.
#[derive(Debug, Default)]
pub(crate) struct Beginning(pub(crate) Vec<u8>);

impl Beginning {
    const BYTES: usize = 64 * 1024;
}

impl Sink for Beginning {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BodyFault> {
        let room = Self::BYTES.saturating_sub(self.0.len());
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(())
    }

    fn restart(&mut self) -> bool {
        self.0.clear();
        true
    }
}

/// Counts what goes into a sink, and stops at a limit: a few bytes of gzip can become gigabytes.
struct Limited<'s> {
    sink: &'s mut dyn Sink,
    count: u64,
    limit: u64,
    fault: Option<BodyFault>,
}

impl Limited<'_> {
    fn take(&mut self, bytes: &[u8]) -> Result<(), BodyFault> {
        self.count = self.count.saturating_add(bytes.len() as u64);
        if self.count > self.limit {
            return Err(BodyFault::TooLong(self.limit));
        }
        self.sink.write(bytes)
    }
}

/// For the decompressor; the true reason of an error waits in `fault`.
impl Write for Limited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes).map_err(|fault| {
            self.fault = Some(fault);
            io::Error::from(io::ErrorKind::Other)
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Coding<'s> {
    Identity(Limited<'s>),
    Gzip { decoder: Box<MultiGzDecoder<Limited<'s>>>, any: bool },
}

/// The way from the wire to a sink.
pub(crate) struct Body<'s>(Coding<'s>);

impl<'s> Body<'s> {
    /// `coding` is the answer's `Content-Encoding`; at most `limit` bytes are taken, after decompression.
    pub(crate) fn new(coding: Option<&str>, sink: &'s mut dyn Sink, limit: u64) -> Result<Self, BodyFault> {
        let limited = Limited { sink, count: 0, limit, fault: None };
        match coding.map(|coding| coding.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => Ok(Self(Coding::Identity(limited))),
            Some("gzip" | "x-gzip") => {
                Ok(Self(Coding::Gzip { decoder: Box::new(MultiGzDecoder::new(limited)), any: false }))
            }
            Some(_) => Err(BodyFault::Wrong("it is compressed in a way that was not asked for")),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), BodyFault> {
        match &mut self.0 {
            Coding::Identity(limited) => limited.take(bytes),
            Coding::Gzip { decoder, any } => {
                *any |= !bytes.is_empty();
                let damaged = BodyFault::Wrong("its compression is damaged");
                decoder.write_all(bytes).map_err(|_| decoder.get_mut().fault.take().unwrap_or(damaged))
            }
        }
    }

    pub(crate) fn finish(self) -> Result<(), BodyFault> {
        match self.0 {
            Coding::Identity(limited) => limited.sink.finish(),
            // Nothing at all is what an empty answer is, whatever its header says.
            Coding::Gzip { mut decoder, any: false } => decoder.get_mut().sink.finish(),
            Coding::Gzip { mut decoder, .. } => {
                // Nothing that came was wrong, so what is wrong is the end.
                let end = decoder.try_finish();
                end.map_err(|_| decoder.get_mut().fault.take().unwrap_or(BodyFault::Cut))?;
                decoder.get_mut().sink.finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn through(coding: Option<&str>, bytes: &[u8], limit: u64) -> Result<Vec<u8>, BodyFault> {
        let mut out = Beginning::default();
        let mut body = Body::new(coding, &mut out, limit)?;
        for piece in bytes.chunks(7) {
            body.write(piece)?;
        }
        body.finish()?;
        Ok(out.0)
    }

    #[test]
    fn what_was_compressed_comes_out_as_it_was() {
        let text = b"a text that is a text that is a text".repeat(50);
        assert_eq!(through(Some("gzip"), &gzip(&text), 9_999).unwrap(), text);
        assert_eq!(
            through(Some("GZIP"), &[gzip(&text), gzip(b"!")].concat(), 9_999).unwrap().len(),
            text.len() + 1
        );
        assert_eq!(through(Some("gzip"), b"", 10).unwrap(), b"", "an empty answer");
        assert_eq!(through(None, &text, 9_999).unwrap(), text);
    }

    #[test]
    fn cut_damaged_and_exploding_bodies_are_told_apart() {
        let whole = gzip(&vec![b'x'; 1_000_000]);
        assert!(whole.len() < 10_000, "it must be a bomb for what follows");
        assert_eq!(through(Some("gzip"), &whole, 10_000).unwrap_err(), BodyFault::TooLong(10_000));
        for end in [1, 5, 12, whole.len() / 2, whole.len() - 1] {
            assert_eq!(
                through(Some("gzip"), &whole[..end], 9_999_999).unwrap_err(),
                BodyFault::Cut,
                "at {end}"
            );
        }
        let fault = through(Some("gzip"), b"{\"code\": 200, \"status\": \"success\"}", 10_000).unwrap_err();
        assert!(matches!(fault, BodyFault::Wrong(_)), "said to be gzip, and is not");
        assert!(matches!(through(Some("br"), b"x", 10).unwrap_err(), BodyFault::Wrong(_)), "not asked for");
        assert_eq!(through(None, &[b'x'; 11], 10).unwrap_err(), BodyFault::TooLong(10));
    }
}

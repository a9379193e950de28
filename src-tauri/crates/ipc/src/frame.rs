//! Frames: a length in 4 bytes, the lowest first, then a message in postcard.
//!
//! A frame that is empty, too long or does not hold exactly one message is an error, and the connection ends with it.

use std::io::{self, ErrorKind};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

/// The longest message, in bytes: as much as Linux lets a command line be.
pub const MAX_FRAME: usize = 2 << 20;

/// Bytes of the length.
const HEAD: usize = size_of::<u32>();

/// What is read at once.
const PIECE: usize = 1 << 16;

/// A message as a frame. Wiped when it goes: it may hold a key.
pub(crate) fn encode<T: Serialize>(message: &T) -> io::Result<Zeroizing<Vec<u8>>> {
    let bytes = postcard::to_extend(message, vec![0; HEAD]).map(Zeroizing::new);
    let mut frame = bytes.map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    let length = frame.len() - HEAD;
    let head = u32::try_from(length).ok().filter(|_| length <= MAX_FRAME);
    let head = head.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the message is too long"))?;
    frame[..HEAD].copy_from_slice(&head.to_le_bytes());
    Ok(frame)
}

/// The first message in `bytes` and how many it took; `None` while it is not whole.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<Option<(T, usize)>> {
    let invalid = |reason| io::Error::new(ErrorKind::InvalidData, reason);
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else { return Ok(None) };
    let length = usize::try_from(u32::from_le_bytes(*head)).unwrap_or(usize::MAX);
    if length > MAX_FRAME {
        return Err(invalid("a frame is too long"));
    }
    let Some(body) = rest.get(..length) else { return Ok(None) };
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(Some((message, HEAD + length))),
        _ => Err(invalid("a frame holds no message")),
    }
}

/// Reads messages.
pub(crate) struct Reader<R> {
    from: R,
    /// What came and was not decoded yet.
    buffer: Zeroizing<Vec<u8>>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, buffer: Zeroizing::new(Vec::new()) }
    }

    /// The next message; `None` if the other side ended after a whole one. Loses nothing when it is dropped
    /// half-way.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        loop {
            if let Some((message, taken)) = decode(&self.buffer)? {
                self.buffer.drain(..taken);
                return Ok(Some(message));
            }
            self.buffer.reserve(PIECE);
            match self.from.read_buf(&mut *self.buffer).await? {
                0 if self.buffer.is_empty() => return Ok(None),
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                _ => {}
            }
        }
    }
}

/// Writes a message.
pub(crate) async fn write<W: AsyncWrite + Unpin, T: Serialize>(to: &mut W, message: &T) -> io::Result<()> {
    to.write_all(&encode(message)?).await?;
    to.flush().await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::runtime::Builder;

    use super::*;
    use crate::message::{Invocation, Reply, Request, Surroundings, Typed, Window};

    fn read_all<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<Vec<T>> {
        let mut reader = Reader::new(bytes);
        let mut messages = Vec::new();
        Builder::new_current_thread().build()?.block_on(async {
            while let Some(message) = reader.next().await? {
                messages.push(message);
            }
            Ok(messages)
        })
    }

    fn requests() -> impl Strategy<Value = Request> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..200);
        prop_oneof![
            proptest::collection::vec(".{0,20}", 0..5).prop_map(|arguments| {
                let surroundings = Surroundings { width: 80, ..Surroundings::default() };
                let arguments = arguments.into_iter().map(Into::into);
                Request::Run(Invocation::new(arguments, "/tmp".into(), surroundings))
            }),
            any::<bool>().prop_map(|quick| Request::Show(if quick { Window::Quick } else { Window::Main })),
            bytes().prop_map(|bytes| Request::Input(Ok(bytes))),
            ".{0,20}".prop_map(|reason| Request::Input(Err(reason))),
            ".{0,20}".prop_map(|line| Request::Secret(Typed::new(line))),
        ]
    }

    proptest! {
        // Each wipes its buffers, which takes its time where nothing is optimised.
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_goes_in_comes_out(sent in proptest::collection::vec(requests(), 0..6)) {
            let bytes: Vec<u8> = sent.iter().flat_map(|request| encode(request).unwrap().to_vec()).collect();
            prop_assert_eq!(read_all::<Request>(&bytes).unwrap(), sent);
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_all::<Request>(&bytes);
            let _ = read_all::<Reply>(&bytes);
        }

        #[test]
        fn a_frame_that_is_cut_off_is_no_end(request in requests(), cut in any::<prop::sample::Index>()) {
            let frame = encode(&request).unwrap();
            let cut = cut.index(frame.len() - 1) + 1;
            prop_assert!(read_all::<Request>(&frame[..cut]).is_err());
        }
    }

    #[test]
    fn a_frame_is_no_longer_than_it_may_be() {
        let longest = Reply::Output(vec![7; MAX_FRAME - 5]);
        assert_eq!(read_all::<Reply>(&encode(&longest).unwrap()).unwrap(), [longest]);
        assert!(encode(&Reply::Output(vec![7; MAX_FRAME])).is_err());
        // Refused by its head: nobody waits for, or makes room for, what it promises.
        assert!(decode::<Reply>(&u32::MAX.to_le_bytes()).is_err());
    }

    #[test]
    fn a_frame_holds_one_message_and_no_more() {
        let mut frame = encode(&Reply::WantInput).unwrap().to_vec();
        frame.push(0);
        frame[0] += 1;
        assert!(decode::<Reply>(&frame).is_err());
        assert!(decode::<Reply>(&0_u32.to_le_bytes()).is_err(), "an empty one");
    }
}

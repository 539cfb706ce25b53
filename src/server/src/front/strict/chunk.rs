//! The framing of a chunked body (RFC 9112, section 7.1), stricter: no trailers, bounded extensions.
use super::fault::WireFault;
use crate::front::limits::{CHUNK_BYTES_MAX, CHUNK_EXTENSION_BYTES_MAX};

/// A chunked body, as far as it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunked {
    Size { value: u64, digits: u8 },
    Extension { value: u64, len: usize },
    SizeEnd { value: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    LastCr,
    LastLf,
    Done,
}

impl Chunked {
    pub(super) const START: Self = Self::Size { value: 0, digits: 0 };

    /// Consumes what is well formed; an error only where the very first byte is not. So a fault is met at the
    /// same byte however the input is cut.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<usize, WireFault> {
        let mut used = 0;
        while let Some(&byte) = bytes.get(used) {
            if *self == Self::Done {
                break;
            }
            if let Self::Data { left } = *self {
                let here = left.min((bytes.len() - used) as u64);
                *self = if here == left { Self::DataCr } else { Self::Data { left: left - here } };
                used += here as usize;
                continue;
            }
            match self.step(byte) {
                Ok(next) => *self = next,
                Err(fault) if used == 0 => return Err(fault),
                Err(_) => break,
            }
            used += 1;
        }
        Ok(used)
    }

    fn step(self, byte: u8) -> Result<Self, WireFault> {
        let bad = |why| Err(WireFault::Malformed(why));
        match (self, byte) {
            (Self::Size { digits: 16, .. }, b) if b.is_ascii_hexdigit() => {
                bad("a chunk size has too many digits")
            }
            (Self::Size { value, digits }, b) if b.is_ascii_hexdigit() => {
                let digit = (b as char).to_digit(16).unwrap_or(0);
                let value = (value << 4) | u64::from(digit);
                if value > CHUNK_BYTES_MAX {
                    bad("a chunk is too long")
                } else {
                    Ok(Self::Size { value, digits: digits + 1 })
                }
            }
            (Self::Size { digits: 0, .. }, _) => bad("a chunk size is not hexadecimal"),
            (Self::Size { value, .. }, b';') => Ok(Self::Extension { value, len: 1 }),
            (Self::Size { value, .. } | Self::Extension { value, .. }, b'\r') => Ok(Self::SizeEnd { value }),
            (Self::Size { .. }, _) => bad("a chunk size is not hexadecimal"),
            (Self::Extension { len, .. }, _) if len >= CHUNK_EXTENSION_BYTES_MAX => {
                bad("chunk extensions are too long")
            }
            (Self::Extension { value, len }, b'\t' | b' '..=b'~') => {
                Ok(Self::Extension { value, len: len + 1 })
            }
            (Self::Extension { .. }, _) => bad("a chunk extension holds a control character"),
            (Self::SizeEnd { value: 0 }, b'\n') => Ok(Self::LastCr),
            (Self::SizeEnd { value }, b'\n') => Ok(Self::Data { left: value }),
            (Self::DataCr, b'\r') => Ok(Self::DataLf),
            (Self::DataLf, b'\n') => Ok(Self::START),
            (Self::LastCr, b'\r') => Ok(Self::LastLf),
            (Self::LastLf, b'\n') => Ok(Self::Done),
            (Self::LastCr, _) => bad("trailers are not served"),
            _ => bad("a chunk does not end with CRLF"),
        }
    }
}

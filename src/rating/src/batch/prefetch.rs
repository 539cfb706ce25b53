//! The one instruction that safe Rust does not have.

/// Has the cache line of `value` brought nearer, without waiting for it; nothing on processors that are not x86-64.
#[cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "a prefetch reads nothing, and the address is that of a live reference")
)]
pub(super) fn read<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint that cannot fault; SSE is part of every x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

//! The one instruction that safe Rust does not have.

/// Has every cache line of `value` brought nearer, without waiting for it; nothing on processors that are not x86-64.
#[inline(always)]
#[cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "a prefetch reads nothing, and the addresses are those of a live reference"
    )
)]
pub fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const LINE: usize = 64;
        let address = std::ptr::from_ref(value).cast::<i8>();
        for at in (0..size_of::<T>()).step_by(LINE) {
            // SAFETY: a hint that cannot fault; SSE is part of every x86-64. The address is within `value`.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(address.add(at)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

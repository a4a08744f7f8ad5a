//! One heap allocation that holds a header and then bytes, behind a handle of one pointer.
//!
//! Keys with their values, hash fields, set members and sorted-set members live in it. A `Box` of a
//! struct with a `Box<[u8]>` costs two allocations and 16 bytes more for each of them, a
//! `Box<[u8]>` alone 8 bytes more in every table slot: at a hundred million members that decides
//! how much memory the node needs. This is the one file of the crate with `unsafe` code.
//!
//! What always holds of the memory behind the pointer: it was allocated with
//! `Packed::<H>::layout(len)`; a valid `H` stands at its start, `len` as a `u32` at `LEN_AT`, and
//! `len` initialised bytes at `BYTES_AT`; the handle is the only owner of all of it.
#![expect(
    unsafe_code,
    reason = "std has no thin owned pointer to a header followed by bytes"
)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// Most bytes that one [`Packed`] holds beside its header. Callers refuse longer input before.
pub const PACKED_BYTES_MAX: usize = u32::MAX as usize;

/// A header and bytes in one allocation. One pointer wide, also as an `Option`.
pub struct Packed<H> {
    start: NonNull<u8>,
    owns: PhantomData<H>,
}

// SAFETY: the handle owns its memory alone, and that holds nothing but an `H` and plain bytes.
unsafe impl<H: Send> Send for Packed<H> {}
// SAFETY: a shared handle gives out `&H` and `&[u8]` only.
unsafe impl<H: Sync> Sync for Packed<H> {}

impl<H> Packed<H> {
    /// Where the length stands.
    const LEN_AT: usize = size_of::<H>().next_multiple_of(align_of::<u32>());
    /// Where the bytes begin. They need no alignment, so no padding stands before them.
    const BYTES_AT: usize = Self::LEN_AT + size_of::<u32>();
    const ALIGN: usize = if align_of::<H>() > align_of::<u32>() {
        align_of::<H>()
    } else {
        align_of::<u32>()
    };

    /// A header with the concatenation of `parts`.
    ///
    /// # Panics
    /// If the parts have more than [`PACKED_BYTES_MAX`] bytes together.
    pub fn new(header: H, parts: &[&[u8]]) -> Self {
        let len = total_len(parts);
        let layout = Self::layout(len);
        // SAFETY: the layout's size is never zero: `BYTES_AT` counts the length's own four bytes.
        let Some(start) = NonNull::new(unsafe { alloc(layout) }) else {
            handle_alloc_error(layout)
        };
        let mut packed = ManuallyDrop::new(Self {
            start,
            owns: PhantomData,
        });
        // SAFETY: the allocation is fresh, `H` fits before `LEN_AT` and its alignment divides the
        // layout's. `write_parts` fills exactly the `len` bytes from `BYTES_AT` on.
        unsafe {
            start.cast::<H>().write(header);
            packed.set_len(len);
            packed.write_parts(0, parts);
        }
        ManuallyDrop::into_inner(packed)
    }

    /// The header.
    #[inline]
    pub fn header(&self) -> &H {
        // SAFETY: a valid `H` stands at the start for as long as the handle lives.
        unsafe { self.start.cast::<H>().as_ref() }
    }

    /// The header, to be changed.
    #[inline]
    pub fn header_mut(&mut self) -> &mut H {
        // SAFETY: as in `header`; the handle is borrowed mutably, so nobody else looks at it.
        unsafe { self.start.cast::<H>().as_mut() }
    }

    /// How many bytes follow the header.
    #[inline]
    pub fn len(&self) -> usize {
        // SAFETY: a `u32` stands at `LEN_AT`, which is a multiple of its alignment.
        unsafe { self.start.add(Self::LEN_AT).cast::<u32>().read() as usize }
    }

    /// Whether no bytes follow the header.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `len` initialised bytes stand at `BYTES_AT`, inside the same allocation.
        unsafe { std::slice::from_raw_parts(self.bytes_start(), self.len()) }
    }

    /// The bytes, to be changed in place.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; the handle is borrowed mutably, so nobody else looks at them.
        unsafe { std::slice::from_raw_parts_mut(self.bytes_start(), self.len()) }
    }

    /// Keeps the first `kept_len` bytes and puts the concatenation of `parts` behind them.
    ///
    /// # Panics
    /// If fewer than `kept_len` bytes are there, or more than [`PACKED_BYTES_MAX`] would be.
    pub fn replace_tail(&mut self, kept_len: usize, parts: &[&[u8]]) {
        let old_len = self.len();
        assert!(
            kept_len <= old_len,
            "keeping {kept_len} of {old_len} packed bytes"
        );
        let new_len = kept_len.saturating_add(total_len(parts));
        self.reallocate(new_len);
        // SAFETY: the allocation now has room for `new_len` bytes, of which the first `kept_len`
        // are initialised (a reallocation keeps the smaller of both sizes); the parts fill the rest.
        unsafe { self.write_parts(kept_len, parts) };
    }

    /// Makes it `new_len` bytes long; new bytes are zero.
    ///
    /// # Panics
    /// If `new_len` is above [`PACKED_BYTES_MAX`].
    pub fn resize(&mut self, new_len: usize) {
        let old_len = self.len();
        self.reallocate(new_len);
        if let Some(added) = new_len.checked_sub(old_len) {
            // SAFETY: the allocation has room for `new_len = old_len + added` bytes.
            unsafe { self.bytes_start().add(old_len).write_bytes(0, added) };
        }
    }

    /// Takes the header out and frees the rest.
    pub fn into_header(self) -> H {
        let packed = ManuallyDrop::new(self);
        // SAFETY: the header is moved out once: `packed` is never dropped, and its memory is freed
        // with the layout that it was allocated with.
        unsafe {
            let header = packed.start.cast::<H>().read();
            dealloc(packed.start.as_ptr(), Self::layout(packed.len()));
            header
        }
    }

    /// What the allocator was asked for, for memory accounting.
    pub fn allocated_bytes(&self) -> usize {
        Self::BYTES_AT + self.len()
    }

    /// The layout of an allocation with `len` bytes behind the header.
    fn layout(len: usize) -> Layout {
        assert!(
            len <= PACKED_BYTES_MAX,
            "{len} bytes do not fit behind one header"
        );
        let size = Self::BYTES_AT.saturating_add(len);
        Layout::from_size_align(size, Self::ALIGN).expect("4 GiB and a header are below isize::MAX")
    }

    fn bytes_start(&self) -> *mut u8 {
        // SAFETY: every allocation is at least `BYTES_AT` bytes long.
        unsafe { self.start.add(Self::BYTES_AT).as_ptr() }
    }

    /// Gives the allocation room for `new_len` bytes and notes that length. The caller fills
    /// those beyond the old length before anything reads them.
    fn reallocate(&mut self, new_len: usize) {
        let old_layout = Self::layout(self.len());
        let new_layout = Self::layout(new_len);
        if new_layout.size() != old_layout.size() {
            // SAFETY: the memory was allocated with `old_layout`; the new size is not zero and,
            // being that of a valid layout of the same alignment, does not overflow when rounded.
            let moved = unsafe { realloc(self.start.as_ptr(), old_layout, new_layout.size()) };
            let Some(start) = NonNull::new(moved) else {
                handle_alloc_error(new_layout)
            };
            self.start = start;
        }
        // SAFETY: the allocation has the size that `new_len` asks for.
        unsafe { self.set_len(new_len) };
    }

    /// # Safety
    /// The allocation was made for `len` bytes, which is at most `PACKED_BYTES_MAX`.
    unsafe fn set_len(&mut self, len: usize) {
        debug_assert!(len <= PACKED_BYTES_MAX, "{len} bytes were allocated");
        // SAFETY: `LEN_AT` is inside every allocation and a multiple of `u32`'s alignment.
        unsafe { self.start.add(Self::LEN_AT).cast::<u32>().write(len as u32) };
    }

    /// # Safety
    /// The allocation has room for `from` bytes and all `parts`.
    unsafe fn write_parts(&mut self, from: usize, parts: &[&[u8]]) {
        let mut at = from;
        for part in parts {
            // SAFETY: the caller promised room; the parts cannot overlap memory that is borrowed
            // mutably or fresh.
            unsafe {
                let target = self.bytes_start().add(at);
                target.copy_from_nonoverlapping(part.as_ptr(), part.len());
            }
            at += part.len();
        }
    }
}

fn total_len(parts: &[&[u8]]) -> usize {
    parts
        .iter()
        .fold(0, |sum: usize, part| sum.saturating_add(part.len()))
}

impl<H> Drop for Packed<H> {
    fn drop(&mut self) {
        let layout = Self::layout(self.len());
        // SAFETY: the header is valid and dropped once; the memory was allocated with this layout
        // and nobody can reach it afterwards.
        unsafe {
            self.start.cast::<H>().drop_in_place();
            dealloc(self.start.as_ptr(), layout);
        }
    }
}

impl<H: Clone> Clone for Packed<H> {
    fn clone(&self) -> Self {
        Self::new(self.header().clone(), &[self.bytes()])
    }
}

impl<H: fmt::Debug> fmt::Debug for Packed<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed")
            .field("header", self.header())
            .field("bytes", &self.bytes().escape_ascii().to_string())
            .finish()
    }
}

/// One of two kinds of [`Packed`], behind a handle of one pointer: the lowest bit of the address,
/// which their alignment leaves free, says whether it is the second kind.
#[repr(transparent)]
pub struct PackedEither<A, B> {
    tagged: NonNull<u8>,
    owns: PhantomData<(Packed<A>, Packed<B>)>,
}

/// What [`PackedEither::into_kind`] found.
#[derive(Debug)]
pub enum Kind<A, B> {
    /// The first kind.
    First(Packed<A>),
    /// The second kind.
    Second(Packed<B>),
}

// SAFETY: it owns a `Packed<A>` or a `Packed<B>`, alone.
unsafe impl<A: Send, B: Send> Send for PackedEither<A, B> {}
// SAFETY: a shared handle gives out `&Packed<A>`, `&B` and `&[u8]` only.
unsafe impl<A: Sync, B: Sync> Sync for PackedEither<A, B> {}

impl<A, B> PackedEither<A, B> {
    const TAG: usize = 1;

    /// Holds the first kind.
    pub fn first(packed: Packed<A>) -> Self {
        const { assert!(Packed::<A>::ALIGN > Self::TAG && Packed::<B>::ALIGN > Self::TAG) };
        Self {
            tagged: ManuallyDrop::new(packed).start,
            owns: PhantomData,
        }
    }

    /// Holds the second kind.
    pub fn second(packed: Packed<B>) -> Self {
        let start = ManuallyDrop::new(packed).start;
        Self {
            tagged: start.map_addr(|address| address | Self::TAG),
            owns: PhantomData,
        }
    }

    #[inline]
    fn is_second(&self) -> bool {
        self.tagged.addr().get() & Self::TAG != 0
    }

    /// Where the allocation of the second kind starts.
    #[inline]
    fn second_start(&self) -> Option<NonNull<u8>> {
        let untagged = |address: std::num::NonZero<usize>| {
            std::num::NonZero::new(address.get() & !Self::TAG)
                .expect("an aligned address without its tag is still that of an allocation")
        };
        self.is_second().then(|| self.tagged.map_addr(untagged))
    }

    /// It, if it is of the first kind.
    #[inline]
    pub fn as_first(&self) -> Option<&Packed<A>> {
        // SAFETY: both types are one `NonNull<u8>` wide; without a tag it holds exactly what a
        // `Packed<A>` holds, and is borrowed as long as the result.
        (!self.is_second()).then(|| unsafe { &*(&raw const *self).cast::<Packed<A>>() })
    }

    /// It, if it is of the first kind, to be changed.
    #[inline]
    pub fn as_first_mut(&mut self) -> Option<&mut Packed<A>> {
        // SAFETY: as in `as_first`; whatever address the `Packed<A>` moves to has no tag either, so
        // this stays the first kind.
        (!self.is_second()).then(|| unsafe { &mut *(&raw mut *self).cast::<Packed<A>>() })
    }

    /// Header and bytes, if it is of the second kind.
    #[inline]
    pub fn as_second(&self) -> Option<(&B, &[u8])> {
        let packed = ManuallyDrop::new(Packed::<B> {
            start: self.second_start()?,
            owns: PhantomData,
        });
        // SAFETY: the allocation is that of a `Packed<B>` which this handle owns and which is
        // borrowed as long as the results; `packed` itself is never dropped.
        unsafe {
            let bytes = std::slice::from_raw_parts(packed.bytes_start(), packed.len());
            Some((packed.start.cast::<B>().as_ref(), bytes))
        }
    }

    /// The header, to be changed, if it is of the second kind.
    #[inline]
    pub fn second_header_mut(&mut self) -> Option<&mut B> {
        let start = self.second_start()?;
        // SAFETY: a valid `B` stands at the start, and the handle is borrowed mutably.
        Some(unsafe { start.cast::<B>().as_mut() })
    }

    /// Takes it apart.
    pub fn into_kind(self) -> Kind<A, B> {
        let either = ManuallyDrop::new(self);
        match either.second_start() {
            None => Kind::First(Packed {
                start: either.tagged,
                owns: PhantomData,
            }),
            Some(start) => Kind::Second(Packed {
                start,
                owns: PhantomData,
            }),
        }
    }
}

impl<A, B> Drop for PackedEither<A, B> {
    fn drop(&mut self) {
        // What is dropped here is whole: `into_kind` leaves its own handle undropped.
        match self.second_start() {
            None => drop(Packed::<A> {
                start: self.tagged,
                owns: PhantomData,
            }),
            Some(start) => drop(Packed::<B> {
                start,
                owns: PhantomData,
            }),
        }
    }
}

impl<A: fmt::Debug, B: fmt::Debug> fmt::Debug for PackedEither<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.as_first(), self.as_second()) {
            (Some(first), _) => first.fmt(f),
            (None, second) => second.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn a_handle_is_one_pointer_and_short_members_fit_sixteen_bytes() {
        assert_eq!(size_of::<Option<Packed<f64>>>(), size_of::<usize>());
        assert_eq!(Packed::new((), &[b"member:1234"]).allocated_bytes(), 15);
        assert_eq!(Packed::new(1.5_f64, &[b"abc"]).allocated_bytes(), 15);
        assert_eq!(Packed::new(7_u8, &[b""]).allocated_bytes(), 8);
    }

    #[test]
    fn parts_are_joined_and_tails_replaced() {
        let mut packed = Packed::new(3_u64, &[b"key", b"", b"value"]);
        assert_eq!((*packed.header(), packed.bytes()), (3, &b"keyvalue"[..]));
        packed.replace_tail(3, &[b"a longer ", b"value"]);
        assert_eq!(packed.bytes(), b"keya longer value");
        packed.replace_tail(3, &[b"x"]);
        *packed.header_mut() += 1;
        assert_eq!((*packed.header(), packed.bytes()), (4, &b"keyx"[..]));
        packed.replace_tail(0, &[]);
        assert!(packed.is_empty());
        packed.resize(3);
        assert_eq!(packed.bytes(), [0; 3]);
        packed.bytes_mut()[1] = 9;
        packed.resize(2);
        assert_eq!(packed.bytes(), [0, 9]);
        assert_eq!(packed.into_header(), 4);
    }

    #[test]
    #[should_panic(expected = "keeping 4 of 3 packed bytes")]
    fn more_cannot_be_kept_than_is_there() {
        Packed::new((), &[b"abc"]).replace_tail(4, &[]);
    }

    #[test]
    fn headers_are_dropped_once_and_may_hold_cells() {
        let shared = Rc::new(());
        let packed = Packed::new((Cell::new(1_u32), Rc::clone(&shared)), &[b"x"]);
        packed.header().0.set(2);
        let copy = packed.clone();
        assert_eq!((copy.header().0.get(), Rc::strong_count(&shared)), (2, 3));
        drop(copy);
        let (cell, inner) = packed.into_header();
        assert_eq!((cell.get(), Rc::strong_count(&shared)), (2, 2));
        drop(inner);
        assert_eq!(Rc::strong_count(&shared), 1);
    }

    #[test]
    fn random_edits_agree_with_a_vector() {
        let mut packed = Packed::new(0_u16, &[]);
        let mut model: Vec<u8> = Vec::new();
        for step in 0..2_000_usize {
            let kept = (step * 7_919) % (model.len() + 1);
            let tail = vec![step as u8; (step * 104_729) % 97];
            model.truncate(kept);
            model.extend_from_slice(&tail);
            let (one, two) = tail.split_at(tail.len() / 3);
            packed.replace_tail(kept, &[one, two]);
            assert_eq!(packed.bytes(), model, "step {step}");
        }
    }

    #[test]
    fn either_kind_is_one_pointer_wide_and_dropped_as_what_it_is() {
        type Either = PackedEither<u32, Rc<()>>;
        assert_eq!(size_of::<Option<Either>>(), size_of::<usize>());
        let mut first = Either::first(Packed::new(7, &[b"key"]));
        first
            .as_first_mut()
            .expect("made as the first")
            .replace_tail(3, &[&[b'x'; 100]]);
        assert_eq!(first.as_first().map(Packed::len), Some(103));
        assert!(first.as_second().is_none() && first.second_header_mut().is_none());
        assert!(matches!(first.into_kind(), Kind::First(packed) if *packed.header() == 7));

        let shared = Rc::new(());
        let mut second = Either::second(Packed::new(Rc::clone(&shared), &[b"key"]));
        assert!(second.as_first().is_none() && second.as_first_mut().is_none());
        *second.second_header_mut().expect("made as the second") = Rc::clone(&shared);
        let (header, bytes) = second.as_second().expect("made as the second");
        assert!(Rc::ptr_eq(header, &shared) && bytes == b"key");
        assert_eq!(Rc::strong_count(&shared), 2);
        let Kind::Second(packed) = second.into_kind() else {
            panic!("made as the second")
        };
        drop(Either::second(packed));
        assert_eq!(Rc::strong_count(&shared), 1);
    }
}

//! Things with small numbers for names, whose places are used again.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// The number of a thing in an [`Arena`].
pub(crate) trait Number: Copy {
    fn new(number: usize) -> Self;
    fn get(self) -> usize;
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(usize);

        impl Number for $name {
            fn new(number: usize) -> Self {
                Self(number)
            }

            fn get(self) -> usize {
                self.0
            }
        }
    )*};
}

numbers! {
    /// One unit of the budget, and the connection that it stands for.
    SlotId;
    /// A place that connections lead to.
    TargetId;
    /// A tenant, or central work.
    TenantNo;
}

pub(crate) struct Arena<N, T> {
    places: Vec<Option<T>>,
    free: Vec<usize>,
    number: PhantomData<N>,
}

impl<N: Number, T> Arena<N, T> {
    pub(crate) fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            number: PhantomData,
        }
    }

    pub(crate) fn insert(&mut self, thing: T) -> N {
        if let Some(place) = self.free.pop() {
            self.places[place] = Some(thing);
            N::new(place)
        } else {
            self.places.push(Some(thing));
            N::new(self.places.len() - 1)
        }
    }

    pub(crate) fn get(&self, number: N) -> Option<&T> {
        self.places.get(number.get())?.as_ref()
    }

    pub(crate) fn remove(&mut self, number: N) -> Option<T> {
        let thing = self.places.get_mut(number.get())?.take()?;
        self.free.push(number.get());
        Some(thing)
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

impl<N: Number, T> Index<N> for Arena<N, T> {
    type Output = T;

    #[allow(clippy::expect_used)] // a number is kept only where it keeps its thing from being removed
    fn index(&self, number: N) -> &T {
        self.places[number.get()]
            .as_ref()
            .expect("a number names a thing that is there")
    }
}

impl<N: Number, T> IndexMut<N> for Arena<N, T> {
    #[allow(clippy::expect_used)] // as above
    fn index_mut(&mut self, number: N) -> &mut T {
        self.places[number.get()]
            .as_mut()
            .expect("a number names a thing that is there")
    }
}

//! Planes read so far, the longest unused leaving first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use super::Plane;

/// (frame, channel)
type Key = (usize, usize);

/// At most `budget` bytes of planes; larger ones are known as long as somebody else keeps them.
#[derive(Debug)]
pub(super) struct Cache {
    budget: usize,
    used: usize,
    clock: u64,
    planes: HashMap<Key, (Arc<Plane>, u64)>,
    by_age: BTreeMap<u64, Key>,
    large: HashMap<Key, Weak<Plane>>,
}

impl Cache {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            budget,
            used: 0,
            clock: 0,
            planes: HashMap::new(),
            by_age: BTreeMap::new(),
            large: HashMap::new(),
        }
    }

    /// The plane, which then counts as just used.
    pub(super) fn get(&mut self, key: Key) -> Option<Arc<Plane>> {
        let Some((plane, age)) = self.planes.get_mut(&key) else { return self.large.get(&key)?.upgrade() };
        self.clock += 1;
        self.by_age.remove(age);
        self.by_age.insert(self.clock, key);
        *age = self.clock;
        Some(Arc::clone(plane))
    }

    /// Keeps a plane if it fits the budget at all, and lets others go for it.
    pub(super) fn insert(&mut self, key: Key, plane: Arc<Plane>) {
        if plane.bytes() > self.budget {
            self.large.retain(|_, plane| plane.strong_count() > 0);
            self.large.insert(key, Arc::downgrade(&plane));
            return;
        }
        if self.get(key).is_some() {
            return;
        }
        self.clock += 1;
        self.used += plane.bytes();
        self.by_age.insert(self.clock, key);
        self.planes.insert(key, (plane, self.clock));
        while self.used > self.budget {
            let Some((_, oldest)) = self.by_age.pop_first() else { break };
            if let Some((gone, _)) = self.planes.remove(&oldest) {
                self.used -= gone.bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn the_longest_unused_plane_leaves_first() {
        let plane = |n: usize| Arc::new(Plane::from_u8(Array2::zeros((1, n))));
        let mut cache = Cache::new(10);
        cache.insert((0, 0), plane(4));
        cache.insert((1, 0), plane(4));
        assert!(cache.get((0, 0)).is_some(), "now the other is the oldest");
        cache.insert((2, 0), plane(4));
        assert!(cache.get((1, 0)).is_none());
        assert!(cache.get((0, 0)).is_some() && cache.get((2, 0)).is_some());
        cache.insert((3, 0), plane(11));
        assert!(cache.get((3, 0)).is_none(), "larger than the budget");
        let kept = plane(12);
        cache.insert((4, 0), Arc::clone(&kept));
        assert!(cache.get((4, 0)).is_some_and(|plane| Arc::ptr_eq(&plane, &kept)), "kept by somebody else");
        assert_eq!((cache.used, cache.planes.len(), cache.by_age.len()), (8, 2, 2));
    }
}

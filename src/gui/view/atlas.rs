//! Many small pictures in one texture, so that a sheet of them is one thing to draw.
use eframe::egui::{Color32, ColorImage, Context, Mesh, Rect, Shape, TextureHandle, TextureOptions, pos2};
use std::collections::BTreeMap;

/// Between two pictures, in texels, so that none shines into the next.
const GAP: usize = 1;
/// Texels that pictures out of sight may fill, beside those in sight.
const SPARE: usize = 4 << 20;
/// Widest texture that every GPU takes, and wider than any of ours need be.
const SIDES: [usize; 2] = [2048, 8192];

/// Pictures of one size, each in a place of its own.
pub(in crate::gui) struct Atlas {
    /// `[width, height]` of a picture in texels.
    cell: [usize; 2],
    columns: usize,
    texture: TextureHandle,
    side: [usize; 2],
    places: Vec<Option<Place>>,
    /// Where each picture is.
    by_id: BTreeMap<usize, usize>,
    frame: u64,
}

#[derive(Clone, Copy)]
struct Place {
    id: usize,
    stamp: u64,
    /// When it was last in sight.
    seen: u64,
}

impl Atlas {
    /// For pictures of `cell` `[width, height]` texels, `count` in all and `visible` of them at once.
    pub(in crate::gui) fn new(ctx: &Context, cell: [usize; 2], visible: usize, count: usize) -> Self {
        let longest = ctx.input(|input| input.max_texture_side).clamp(SIDES[0], SIDES[1]);
        let pitch = cell.map(|side| side + GAP);
        let spare = SPARE / (pitch[0] * pitch[1]).max(1);
        let wanted = count.min(visible.saturating_add(spare)).max(1);
        let most = pitch.map(|pitch| (longest / pitch).max(1));
        // About as wide as high.
        let square = ((wanted * pitch[1]) as f64 / pitch[0] as f64).sqrt().ceil() as usize;
        let columns = square.max(wanted.div_ceil(most[1])).clamp(1, most[0]);
        let rows = wanted.div_ceil(columns).clamp(1, most[1]);
        let side = [columns * pitch[0], rows * pitch[1]];
        let blank = ColorImage::filled(side, Color32::TRANSPARENT);
        let texture = ctx.load_texture("sheet", blank, TextureOptions::LINEAR);
        Self {
            cell,
            columns,
            texture,
            side,
            places: vec![None; columns * rows],
            by_id: BTreeMap::new(),
            frame: 0,
        }
    }

    pub(in crate::gui) fn cell(&self) -> [usize; 2] {
        self.cell
    }

    /// How many pictures there is room for.
    pub(in crate::gui) fn capacity(&self) -> usize {
        self.places.len()
    }

    /// A new frame: what is asked for from now on is in sight.
    pub(in crate::gui) fn begin_frame(&mut self) {
        self.frame += 1;
    }

    /// Where a picture is in the texture, and whether it looks as `stamp` says; `None` where it never was.
    pub(in crate::gui) fn find(&mut self, id: usize, stamp: u64) -> Option<(Rect, bool)> {
        let at = *self.by_id.get(&id)?;
        let place = self.places.get_mut(at)?.as_mut()?;
        place.seen = self.frame;
        let fresh = place.stamp == stamp;
        Some((self.uv(at), fresh))
    }

    /// Puts a picture of the cell's size in, in place of one out of sight where there is no room; false where all are in
    /// sight.
    pub(in crate::gui) fn put(&mut self, id: usize, stamp: u64, image: ColorImage) -> bool {
        let Some(at) = self.by_id.get(&id).copied().or_else(|| self.room()) else { return false };
        if let Some(before) = self.places[at] {
            self.by_id.remove(&before.id);
        }
        self.places[at] = Some(Place { id, stamp, seen: self.frame });
        self.by_id.insert(id, at);
        self.texture.set_partial(self.corner(at), image, TextureOptions::LINEAR);
        true
    }

    fn room(&self) -> Option<usize> {
        let seen = |at: &usize| self.places[*at].map_or(0, |place| place.seen);
        (0..self.places.len())
            .filter(|at| self.places[*at].is_none() || seen(at) < self.frame)
            .min_by_key(seen)
    }

    fn corner(&self, at: usize) -> [usize; 2] {
        [at % self.columns * (self.cell[0] + GAP), at / self.columns * (self.cell[1] + GAP)]
    }

    fn uv(&self, at: usize) -> Rect {
        let corner = self.corner(at);
        let unit = |texel: [usize; 2]| {
            pos2(texel[0] as f32 / self.side[0] as f32, texel[1] as f32 / self.side[1] as f32)
        };
        Rect::from_min_max(unit(corner), unit([corner[0] + self.cell[0], corner[1] + self.cell[1]]))
    }

    /// Something to draw pictures into.
    pub(in crate::gui) fn batch(&self) -> Batch {
        Batch { mesh: Mesh::with_texture(self.texture.id()) }
    }

    #[cfg(test)]
    fn texture(&self) -> eframe::egui::TextureId {
        self.texture.id()
    }
}

/// Pictures that are drawn together.
pub(in crate::gui) struct Batch {
    mesh: Mesh,
}

impl Batch {
    /// A picture, by its place in the texture, into a rectangle of the screen.
    pub(in crate::gui) fn add(&mut self, rect: Rect, uv: Rect) {
        self.mesh.add_rect_with_uv(rect, uv, Color32::WHITE);
    }

    pub(in crate::gui) fn shape(self) -> Shape {
        Shape::mesh(self.mesh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> ColorImage {
        ColorImage::filled([60, 50], Color32::RED)
    }

    #[test]
    fn thousands_of_pictures_have_places_of_their_own_in_one_texture() {
        let ctx = Context::default();
        let mut atlas = Atlas::new(&ctx, [30, 30], 300, 2048);
        let texture = atlas.texture();
        atlas.begin_frame();
        let mut corners = Vec::new();
        for id in 0..2048 {
            assert!(atlas.find(id, 7).is_none());
            assert!(atlas.put(id, 7, ColorImage::filled([30, 30], Color32::RED)), "picture {id}");
            let (uv, fresh) = atlas.find(id, 7).unwrap();
            assert!(fresh && uv.max.x <= 1.0 && uv.max.y <= 1.0 && !atlas.find(id, 8).unwrap().1);
            corners.push((uv.min.x.to_bits(), uv.min.y.to_bits()));
        }
        corners.sort_unstable();
        corners.dedup();
        assert_eq!((corners.len(), atlas.texture()), (2048, texture));
        assert!(atlas.side.iter().all(|side| *side <= 2048), "{:?}", atlas.side);
    }

    #[test]
    fn what_is_out_of_sight_makes_room_and_what_is_in_sight_stays() {
        let ctx = Context::default();
        let mut atlas = Atlas::new(&ctx, [60, 50], 3, 3);
        let room = atlas.capacity();
        assert!(room >= 3);
        atlas.begin_frame();
        assert!((0..room).all(|id| atlas.put(id, 1, picture())));
        assert!(!atlas.put(room, 1, picture()), "all are in sight");
        atlas.begin_frame();
        assert!((1..room).all(|id| atlas.find(id, 1).is_some()));
        assert!(atlas.put(room, 1, picture()));
        assert!(atlas.find(0, 1).is_none() && atlas.find(1, 1).is_some());
        assert!(
            atlas.put(1, 2, picture()) && atlas.find(1, 2).unwrap().1,
            "a picture is remade in its place"
        );
    }
}

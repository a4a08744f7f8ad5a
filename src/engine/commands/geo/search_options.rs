//! What the searching commands take: where to search, in which shape, and what to answer.

use super::read_place;
use super::units::Unit;
use crate::args::Args;
use crate::error::CommandError;
use crate::number::parse_f64;
use crate::values::direction::Direction;
use crate::values::geo::{Area, Place, Shape};
use crate::values::sorted_set::SortedSet;

/// Which command it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// GEORADIUS: a place and a radius come first.
    Radius(Storing),
    /// GEORADIUSBYMEMBER: a member and a radius come first.
    RadiusByMember(Storing),
    /// GEOSEARCH: all is said by options.
    Search,
    /// GEOSEARCHSTORE: the same, and the outcome is stored.
    SearchStore,
}

/// Whether the old commands may store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Storing {
    Allowed,
    Refused,
}

impl Form {
    const fn is_search(self) -> bool {
        matches!(self, Self::Search | Self::SearchStore)
    }

    const fn may_name_store(self) -> bool {
        matches!(
            self,
            Self::Radius(Storing::Allowed) | Self::RadiusByMember(Storing::Allowed)
        )
    }
}

/// What is searched and answered.
pub(super) struct Options<'a> {
    centre: Option<Place>,
    shape: Option<(Shape, Unit)>,
    from_member: bool,
    /// The reply has the distance of each member.
    pub(super) with_distance: bool,
    /// The reply has the score of each member.
    pub(super) with_score: bool,
    /// The reply has the place of each member.
    pub(super) with_place: bool,
    /// The order by distance.
    pub(super) order: Option<Direction>,
    /// How many members are wanted at most.
    pub(super) count: Option<usize>,
    /// Any so many will do, rather than the nearest.
    pub(super) any: bool,
    /// Where the outcome is stored.
    pub(super) store: Option<&'a [u8]>,
    /// Distances are stored instead of places.
    pub(super) stores_distances: bool,
}

impl<'a> Options<'a> {
    /// Reads everything behind the key. Redis looks members up while it reads: one that is not in
    /// `set` ends the reading, but nothing is looked up where there is no set.
    pub(super) fn read(
        args: &mut Args<'a>,
        form: Form,
        set: Option<&SortedSet>,
    ) -> Result<Self, CommandError> {
        let mut options = Self {
            centre: None,
            shape: None,
            from_member: false,
            with_distance: false,
            with_score: false,
            with_place: false,
            order: None,
            count: None,
            any: false,
            store: None,
            stores_distances: false,
        };
        options.read_head(args, form, set)?;
        while !args.is_done() {
            let known = options.read_plain(args)?
                || (form.may_name_store() && options.read_store(args)?)
                || (form.is_search() && options.read_search(args, form, set)?);
            if !known {
                return Err(CommandError::Syntax);
            }
        }
        options.check(args, form)?;
        if options.count.is_some() && !options.any {
            // The nearest ones are meant.
            options.order.get_or_insert(Direction::Forward);
        }
        Ok(options)
    }

    /// What stands before the options in the old commands.
    fn read_head(
        &mut self,
        args: &mut Args<'a>,
        form: Form,
        set: Option<&SortedSet>,
    ) -> Result<(), CommandError> {
        match form {
            Form::Radius(_) => {
                self.centre = Some(read_place(args)?);
                self.shape = Some(read_circle(args)?);
            }
            Form::RadiusByMember(_) => {
                self.centre = find(args.next()?, set)?;
                if set.is_some() {
                    self.shape = Some(read_circle(args)?);
                } else {
                    args.take(2)?;
                }
            }
            Form::Search | Form::SearchStore => {}
        }
        Ok(())
    }

    /// Options of all commands.
    fn read_plain(&mut self, args: &mut Args<'a>) -> Result<bool, CommandError> {
        if args.accept("WITHDIST") {
            self.with_distance = true;
        } else if args.accept("WITHHASH") {
            self.with_score = true;
        } else if args.accept("WITHCOORD") {
            self.with_place = true;
        } else if args.accept("ANY") {
            self.any = true;
        } else if args.accept("ASC") {
            self.order = Some(Direction::Forward);
        } else if args.accept("DESC") {
            self.order = Some(Direction::Backward);
        } else if args.remaining() > 1 && args.accept("COUNT") {
            let count = usize::try_from(args.next_i64()?).unwrap_or(0);
            if count == 0 {
                return Err(CommandError::GeoCountNotPositive);
            }
            self.count = Some(count);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// STORE and STOREDIST of the old commands, each with a key.
    fn read_store(&mut self, args: &mut Args<'a>) -> Result<bool, CommandError> {
        if args.remaining() < 2 {
            return Ok(false);
        }
        self.stores_distances = if args.accept("STORE") {
            false
        } else if args.accept("STOREDIST") {
            true
        } else {
            return Ok(false);
        };
        self.store = Some(args.next()?);
        Ok(true)
    }

    /// Options of the new commands.
    fn read_search(
        &mut self,
        args: &mut Args<'a>,
        form: Form,
        set: Option<&SortedSet>,
    ) -> Result<bool, CommandError> {
        let is_box = |shape: Option<(Shape, Unit)>| matches!(shape, Some((Shape::Box { .. }, _)));
        let is_circle = |shape| matches!(shape, Some((Shape::Circle { .. }, _)));
        let follow = args.remaining() - 1;
        if follow >= 1 && !self.has_place() && args.accept("FROMMEMBER") {
            self.centre = find(args.next()?, set)?;
            self.from_member = true;
        } else if follow >= 2 && !self.has_member() && args.accept("FROMLONLAT") {
            self.centre = Some(read_place(args)?);
        } else if follow >= 2 && !is_box(self.shape) && args.accept("BYRADIUS") {
            self.shape = Some(read_circle(args)?);
        } else if follow >= 3 && !is_circle(self.shape) && args.accept("BYBOX") {
            self.shape = Some(read_box(args)?);
        } else if form == Form::SearchStore && args.accept("STOREDIST") {
            self.stores_distances = true;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// A member was named as the middle.
    const fn has_member(&self) -> bool {
        self.from_member
    }

    /// A place was named as the middle.
    const fn has_place(&self) -> bool {
        self.centre.is_some() && !self.from_member
    }

    fn check(&self, args: &Args<'_>, form: Form) -> Result<(), CommandError> {
        let has_details = self.with_distance || self.with_score || self.with_place;
        if has_details && form == Form::SearchStore {
            return Err(CommandError::StoredWithDetails("GEOSEARCHSTORE"));
        }
        if has_details && self.store.is_some() {
            return Err(CommandError::StoredWithDetails("STORE option in GEORADIUS"));
        }
        let name = || String::from_utf8_lossy(args.name()).into();
        if form.is_search() && !self.has_member() && !self.has_place() {
            return Err(CommandError::NoCentre(name()));
        }
        if form.is_search() && self.shape.is_none() {
            return Err(CommandError::NoShape(name()));
        }
        if self.any && self.count.is_none() {
            return Err(CommandError::AnyWithoutCount);
        }
        Ok(())
    }

    /// What is searched, and the unit of its distances; nothing where there was no set.
    pub(super) fn area(&self) -> Option<(Area, Unit)> {
        let (centre, (shape, unit)) = (self.centre?, self.shape?);
        Some((Area { centre, shape }, unit))
    }
}

/// The place of a member; none where there is no set.
fn find(member: &[u8], set: Option<&SortedSet>) -> Result<Option<Place>, CommandError> {
    let Some(set) = set else {
        return Ok(None);
    };
    let score = set.score(member).ok_or(CommandError::NoSuchPlace)?;
    Ok(Some(Place::of_score(score)))
}

fn read_circle(args: &mut Args<'_>) -> Result<(Shape, Unit), CommandError> {
    let radius = parse_f64(args.next()?).ok_or(CommandError::RadiusNotANumber)?;
    if radius < 0.0 {
        return Err(CommandError::RadiusNegative);
    }
    let unit = Unit::read(args)?;
    let radius_m = unit.to_metres(radius);
    Ok((Shape::Circle { radius_m }, unit))
}

fn read_box(args: &mut Args<'_>) -> Result<(Shape, Unit), CommandError> {
    let width = parse_f64(args.next()?).ok_or(CommandError::WidthNotANumber)?;
    let height = parse_f64(args.next()?).ok_or(CommandError::HeightNotANumber)?;
    if width < 0.0 || height < 0.0 {
        return Err(CommandError::BoxNegative);
    }
    let unit = Unit::read(args)?;
    let (half_width, half_height) = (width / 2.0, height / 2.0);
    let corner = (half_width * half_width + half_height * half_height).sqrt();
    let shape = Shape::Box {
        width_m: unit.to_metres(width),
        height_m: unit.to_metres(height),
        corner_m: unit.to_metres(corner),
    };
    Ok((shape, unit))
}

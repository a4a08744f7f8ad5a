//! What a search finds: members of a sorted set within a shape, in the order of the answer.

use std::cmp::Ordering;

use holdfast_resp::Reply;

use super::nearest::sort_first;
use super::search_options::{Form, Options};
use super::units::Unit;
use super::{write_distance, write_place};
use crate::args::Args;
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::keyspace::Key;
use crate::values::direction::Direction;
use crate::values::geo::{Area, Cell, Place};
use crate::values::sorted_set::{ScoreBound, ScoreRange, SortedSet};

/// A member within the shape.
pub(super) struct Point {
    pub(super) member: Vec<u8>,
    pub(super) score: f64,
    place: Place,
    distance_m: f64,
}

/// The outcome of a search.
pub(super) struct Found<'a> {
    pub(super) options: Options<'a>,
    pub(super) points: Vec<Point>,
    unit: Unit,
}

impl<'a> Found<'a> {
    /// Reads what is behind the key, and searches.
    pub(super) fn search(
        context: &ReadContext<'_>,
        key: Key<'_>,
        args: &mut Args<'a>,
        form: Form,
    ) -> Result<Self, CommandError> {
        let set = context.get::<SortedSet>(key)?;
        let options = Options::read(args, form, set)?;
        let (points, unit) = match (set, options.area()) {
            (Some(set), Some((area, unit))) => (find(set, &area, &options), unit),
            _ => (Vec::new(), Unit::METRE),
        };
        Ok(Self {
            options,
            points,
            unit,
        })
    }

    /// How far a member is from the middle, in the unit that the command named.
    pub(super) fn distance(&self, point: &Point) -> f64 {
        self.unit.of_metres(point.distance_m)
    }

    /// Answers the members, each with what the options ask for.
    pub(super) fn write(&self, reply: &mut Reply) {
        let options = &self.options;
        let details = [
            options.with_distance,
            options.with_score,
            options.with_place,
        ];
        let details_count = details.into_iter().filter(|&wanted| wanted).count();
        reply.array(self.points.len());
        for point in &self.points {
            if details_count > 0 {
                reply.array(1 + details_count);
            }
            reply.bulk(&point.member);
            if options.with_distance {
                write_distance(reply, self.distance(point));
            }
            if options.with_score {
                reply.integer(point.score as i64);
            }
            if options.with_place {
                write_place(reply, point.place);
            }
        }
    }
}

/// All members in the area, or as many as are wanted.
fn find(set: &SortedSet, area: &Area, options: &Options<'_>) -> Vec<Point> {
    let enough = options.count.filter(|_| options.any).unwrap_or(usize::MAX);
    let mut points = Vec::new();
    for cell in area.cells() {
        if points.len() < enough {
            find_in_cell(set, area, cell, enough, &mut points);
        }
    }
    let wanted = options.count.unwrap_or(usize::MAX);
    match options.order {
        None => {}
        Some(Direction::Forward) => sort_first(&mut points, wanted, &nearer),
        Some(Direction::Backward) => sort_first(&mut points, wanted, &|one, two| nearer(two, one)),
    }
    points.truncate(wanted);
    points
}

fn nearer(one: &Point, two: &Point) -> Ordering {
    one.distance_m.total_cmp(&two.distance_m)
}

fn find_in_cell(set: &SortedSet, area: &Area, cell: Cell, enough: usize, points: &mut Vec<Point>) {
    let scores = ScoreRange {
        min: ScoreBound::Inclusive(cell.first_score()),
        max: ScoreBound::Exclusive(cell.end_score()),
    };
    let ranks = set.ranks_by_score(&scores);
    for (member, score) in set.range(ranks, Direction::Forward) {
        let place = Place::of_score(score);
        if let Some(distance_m) = area.distance_within(place) {
            points.push(Point {
                member: member.to_vec(),
                score,
                place,
                distance_m,
            });
            if points.len() >= enough {
                return;
            }
        }
    }
}

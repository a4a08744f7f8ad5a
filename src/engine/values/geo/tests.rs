//! Places, their scores, and which cells a shape is looked for in.

use super::*;

fn place(longitude: f64, latitude: f64) -> Place {
    Place::new(longitude, latitude).expect("it is on the map")
}

struct Random(u64);

impl Random {
    /// A number from -1 to 1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005) + 1;
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    fn place(&mut self) -> Place {
        place(self.share() * 180.0, self.share() * 85.0)
    }
}

#[test]
fn scores_stand_for_places_nearby() {
    assert_eq!(place(13.361389, 38.115556).score(), 3_479_099_956_230_698.0);
    assert_eq!(Place::new(180.1, 0.0), None);
    assert_eq!(Place::new(0.0, -85.1), None);
    let mut random = Random(1);
    for _ in 0..10_000 {
        let there = random.place();
        let back = Place::of_score(there.score());
        assert!(distance_m(there, back) < 0.6, "{there:?} became {back:?}");
        assert_eq!(back.score(), there.score());
    }
}

#[test]
fn geohashes_are_those_of_the_usual_grid() {
    for (longitude, latitude, want) in [
        (13.361389, 38.115556, "sqc8b49rny0"),
        (15.087269, 37.502669, "sqdtr74hyu0"),
        (-5.6, 42.6, "ezs42e44yx0"),
        (0.0, 0.0, "s0000000000"),
    ] {
        let text = place(longitude, latitude).geohash();
        assert_eq!(std::str::from_utf8(&text), Ok(want));
    }
}

#[test]
fn cells_cover_their_shape() {
    let mut random = Random(2);
    for _ in 0..3_000 {
        let centre = random.place();
        // From metres to half of the globe.
        let reach_m = 10_f64.powf(3.5 + 3.5 * random.share());
        let shape = if random.share() > 0.0 {
            Shape::Circle { radius_m: reach_m }
        } else {
            let (width_m, height_m) = (reach_m, reach_m * random.share().abs());
            Shape::Box {
                width_m,
                height_m,
                corner_m: (width_m / 2.0).hypot(height_m / 2.0),
            }
        };
        let area = Area { centre, shape };
        let cells = area.cells();
        assert!((1..=9).contains(&cells.len()), "{} cells", cells.len());
        for _ in 0..20 {
            // Degrees are shorter near the poles; what lies outside is passed over.
            let degrees = reach_m / 100_000.0;
            let longitude = centre.longitude + random.share() * degrees;
            let latitude = centre.latitude + random.share() * degrees;
            let Some(near) = Place::new(longitude, latitude) else {
                continue;
            };
            // As in Redis, shapes that reach a pole or lie close to one are not covered whole.
            if area.distance_within(near).is_none() || centre.latitude.abs() > 60.0 || reach_m > 2e6
            {
                continue;
            }
            let score = near.score();
            let is_covered = cells
                .iter()
                .any(|cell| (cell.first_score()..cell.end_score()).contains(&score));
            assert!(is_covered, "{near:?} in {area:?}");
        }
    }
}

use mote_abi::op;
use mote_engine::Fault;
use mote_plan::{Halo, Kind, step};

use crate::scene::Scene;

const NEG: step::Unary = step::Unary { op: op::Unary::Neg, alpha: 0.0, beta: 0.0 };

fn filled(scene: &mut Scene, dims: &[u32], halo: Halo, value: f32) -> mote_plan::TensorId {
    let tensor = scene.with_halo::<f32>(dims, halo);
    scene.step(Kind::Fill, &[], &[tensor], &step::Fill { element: [value.to_bits(), 0] });
    tensor
}

#[test]
fn functions_may_replace_their_input() {
    for len in [1, 5, 16, 40] {
        let mut scene = Scene::new();
        let x = filled(&mut scene, &[len], Halo::NONE, 3.0);
        let b = scene.constant(&[1], &[4.0_f32]);
        scene.step(Kind::Unary, &[x], &[x], &NEG);
        scene.step(Kind::Binary, &[b, x], &[x], &step::Binary { op: op::Binary::Sub });
        scene.step(Kind::Binary, &[x, x], &[x], &step::Binary { op: op::Binary::Mul });
        assert_eq!(scene.run().unwrap().storage::<f32>(x), vec![49.0; len as usize]);
    }
}

#[test]
fn a_second_record_of_the_same_tensor_is_the_same_tensor() {
    let halo = Halo { top: 1, left: 0, bottom: 0, right: 1 };
    let mut scene = Scene::new();
    let x = filled(&mut scene, &[1, 1, 2, 1], halo, 3.0);
    let y = scene.at::<f32>(&[1, 1, 2, 1], halo, 0);
    scene.step(Kind::Unary, &[x], &[y], &NEG);
    assert_eq!(scene.run().unwrap().storage::<f32>(x), [3.0, 3.0, 3.0, -3.0, -3.0, 3.0], "the halo keeps what it held");
}

#[test]
fn selections_and_scatters_may_replace_their_data() {
    let mut scene = Scene::new();
    let x = filled(&mut scene, &[3], Halo::NONE, 1.0);
    let (condition, other) = (scene.constant(&[3], &[true, false, true]), scene.constant(&[3], &[7.0_f32; 3]));
    scene.bare(Kind::Select, &[condition, x, other], &[x]);
    let (at, updates) = (scene.constant(&[1, 1], &[2_i64]), scene.constant(&[1], &[9.0_f32]));
    scene.step(Kind::ScatterNd, &[x, at, updates], &[x], &step::Scatter { axis: 0, reduction: 0 });
    assert_eq!(scene.run().unwrap().storage::<f32>(x), [1.0, 7.0, 9.0]);
}

#[test]
fn every_other_overlap_is_refused() {
    let shifted = |kind: Kind, dims: &[u32], offset: u32| {
        let mut scene = Scene::new();
        let x = filled(&mut scene, &[4], Halo::NONE, 1.0);
        let y = scene.at::<f32>(dims, Halo::NONE, offset);
        match kind {
            Kind::Unary => scene.step(kind, &[x], &[y], &NEG),
            Kind::Softmax => scene.step(kind, &[x], &[y], &step::Softmax { axis: 0, log: 0 }),
            _ => scene.step(kind, &[x], &[y], &step::CumSum { axis: 0, exclusive: 0, reverse: 0 }),
        }
        scene.run().map(|_| ())
    };
    assert_eq!(shifted(Kind::Unary, &[4], 4), Err(Fault::MalformedPlan), "shifted");
    assert_eq!(shifted(Kind::Unary, &[2, 2], 0), Err(Fault::MalformedPlan), "reshaped");
    assert_eq!(shifted(Kind::Unary, &[4], 16), Ok(()), "behind");
    assert_eq!(shifted(Kind::Softmax, &[4], 0), Err(Fault::MalformedPlan), "not element-wise");
    assert_eq!(shifted(Kind::CumSum, &[4], 12), Err(Fault::MalformedPlan), "one element");
}

#[test]
fn outputs_of_one_step_lie_apart() {
    let mut scene = Scene::new();
    let x = scene.constant(&[4], &[1_i64, 2, 3, 4]);
    let (values, indices) = (scene.tensor::<i64>(&[2]), scene.at::<i64>(&[2], Halo::NONE, 8));
    scene.step(Kind::TopK, &[x], &[values, indices], &step::TopK { axis: 0, largest: 1 });
    assert_eq!(scene.run().map(|_| ()), Err(Fault::MalformedPlan));
}

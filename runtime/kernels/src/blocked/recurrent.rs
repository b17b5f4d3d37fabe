//! The chains of the recurrent layers: eight columns at once.

use crate::arch::F32x4;
use crate::scalar::conv::PANEL;
use crate::scalar::recurrent;

/// Like the scalar chain of [`crate::scalar::lstm`] and [`crate::scalar::gru`].
pub fn add_products(sums: &mut [f32], x: &[f32], w: &[f32], first_column: usize) {
    // Where the columns begin inside a panel, the stretch up to the next one goes alone.
    let lead = first_column.wrapping_neg() % PANEL;
    let (head, rest) = sums.split_at_mut(lead.min(sums.len()));
    recurrent::add_products(head, x, w, first_column);
    let panels = w.as_chunks::<PANEL>().0;
    let mut panel = first_column.div_ceil(PANEL).wrapping_mul(x.len());
    let (whole, tail) = rest.as_chunks_mut::<PANEL>();
    let tail_column = first_column.wrapping_add(head.len()).wrapping_add(whole.as_flattened().len());
    for sums in whole {
        let [a, b, c, d, e, f, g, h] = *sums;
        let (mut low, mut high) = (F32x4::load(&[a, b, c, d]), F32x4::load(&[e, f, g, h]));
        for (&x, &[a, b, c, d, e, f, g, h]) in x.iter().zip(panels.get(panel..).unwrap_or(&[])) {
            let x = F32x4::splat(x);
            low = low.add_product(x, F32x4::load(&[a, b, c, d]));
            high = high.add_product(x, F32x4::load(&[e, f, g, h]));
        }
        let ([a, b, c, d], [e, f, g, h]) = (low.to_array(), high.to_array());
        *sums = [a, b, c, d, e, f, g, h];
        panel = panel.wrapping_add(x.len());
    }
    recurrent::add_products(tail, x, w, tail_column);
}

//! Constant tensors.

/// Sets every element.
pub fn fill<T: Copy>(element: T, y: &mut [T]) {
    for value in y {
        *value = element;
    }
}

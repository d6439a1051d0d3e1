/** A colour for each anchor, neutral grey first: told apart by most kinds of colour vision (after Okabe and Ito), sRGB 0..255. */
export const ANCHOR_COLORS: readonly (readonly [number, number, number])[] = [
  [150, 156, 164],
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [204, 121, 167],
  [240, 228, 66],
  [213, 94, 0],
  [0, 114, 178],
]

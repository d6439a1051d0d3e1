import type { FaceJudge } from '../../src/eval/faceJudge.ts'

/** A judge of colours: 'happy' by the red of the middle pixel, 'sad' by its blue; blind to pictures that are dark in the middle. Counts its looks. */
export function colorJudge(least = -1): FaceJudge & { looks: number } {
  const middle = ({ width, height, rgb }: { width: number; height: number; rgb: ArrayLike<number> }): number[] => {
    const at = (Math.floor(height / 2) * width + Math.floor(width / 2)) * 3
    return [rgb[at], rgb[at + 1], rgb[at + 2]]
  }
  return {
    name: 'judge of colours',
    expressions: ['happy', 'surprised', 'fearful', 'angry', 'sad'],
    looks: 0,
    async scores(picture) {
      this.looks++
      const [r, g, b] = middle(picture)
      return r + g + b > least ? [r, g, 0, 0, b] : undefined
    },
    identity: async picture => [1, ...middle(picture)],
  }
}

/** The loss of an edit as a line: falling is better. */
const [WIDTH, HEIGHT] = [300, 56]

export function LossChart({ losses }: { losses: readonly number[] }) {
  const [low, high] = [Math.min(...losses), Math.max(...losses)]
  const points = losses.map((loss, i) => {
    const x = (WIDTH * i) / (losses.length - 1)
    const y = 4 + ((HEIGHT - 8) * (high - loss)) / (high - low || 1)
    return `${x.toFixed(1)},${y.toFixed(1)}`
  })
  const last = losses[losses.length - 1]
  return (
    <figure className="chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Loss, from ${losses[0].toFixed(3)} to ${last.toFixed(3)}`}
      >
        <polyline points={points.join(' ')} />
      </svg>
      <figcaption>
        <span>loss {losses[0].toFixed(3)}</span> <span>{last.toFixed(3)}</span>
      </figcaption>
    </figure>
  )
}

/** Numbers as they came, as a line. */
const [WIDTH, HEIGHT] = [300, 56]

interface LineChartProps {
  values: readonly number[]
  name: string
  unit?: string
  digits?: number
}

export function LineChart({ values, name, unit = '', digits = 3 }: LineChartProps) {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const points = values.map((value, i) => {
    const x = (WIDTH * i) / (values.length - 1)
    const y = 4 + ((HEIGHT - 8) * (high - value)) / (high - low || 1)
    return `${x.toFixed(1)},${y.toFixed(1)}`
  })
  const [first, last] = [values[0], values[values.length - 1]].map(value => value.toFixed(digits) + unit)
  return (
    <figure className="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${name}, from ${first} to ${last}`}>
        <polyline points={points.join(' ')} />
      </svg>
      <figcaption>
        <span>
          {name} {first}
        </span>{' '}
        <span>{last}</span>
      </figcaption>
    </figure>
  )
}

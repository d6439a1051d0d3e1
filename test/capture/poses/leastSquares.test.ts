import { describe, expect, it } from 'vitest'
import { type ResidualBlock, solveLeastSquares } from '../../../src/capture/poses/leastSquares.ts'
import { angleBetween, rotationOf } from '../../../src/capture/poses/rotationVector.ts'

describe('least squares', () => {
  it('finds the minimum of Rosenbrock in its valley', () => {
    const block: ResidualBlock = {
      parameters: [0, 1],
      size: 2,
      evaluate([x, y], out) {
        out[0] = 10 * (y - x * x)
        out[1] = 1 - x
      },
    }
    const parameters = Float64Array.from([-1.2, 1])
    expect(solveLeastSquares(parameters, [block], { iterations: 200, tolerance: 1e-14 })).toBeLessThan(1e-12)
    expect([...parameters].map(value => Number(value.toFixed(5)))).toEqual([1, 1])
  })

  it('solves a chain with a shared parameter as the dense equations say', () => {
    // x_i + s = i + 3 and x_i = i: minimum at x_i = i, s = 3
    const blocks = Array.from({ length: 30 }, (_, i): ResidualBlock[] => [
      {
        parameters: [i, 30],
        size: 1,
        evaluate: ([x, s], out) => {
          out[0] = x + s - i - 3
        },
      },
      {
        parameters: [i],
        size: 1,
        evaluate: ([x], out) => {
          out[0] = 5 * (x - i)
        },
      },
    ]).flat()
    const parameters = new Float64Array(31)
    solveLeastSquares(parameters, blocks, { tolerance: 1e-14 })
    expect(parameters[30]).toBeCloseTo(3, 5)
    expect(parameters[17]).toBeCloseTo(17, 5)
  })

  it("an outlier moves a mean, and hardly moves it under Cauchy's loss", () => {
    const values = [1, 1.1, 0.9, 1, 50]
    const mean = (cauchy?: number): number => {
      const parameters = new Float64Array(1)
      const blocks = values.map(
        (value): ResidualBlock => ({
          parameters: [0],
          size: 1,
          cauchy,
          evaluate: ([x], out) => {
            out[0] = (x - value) / 0.1
          },
        }),
      )
      solveLeastSquares(parameters, blocks, { iterations: 200, tolerance: 1e-12 })
      return parameters[0]
    }
    expect(mean()).toBeCloseTo(10.8, 6)
    expect(Math.abs(mean(2) - 1)).toBeLessThan(0.05)
  })

  it('refuses a start that is not finite', () => {
    const block: ResidualBlock = {
      parameters: [0],
      size: 1,
      evaluate: ([x], out) => {
        out[0] = Math.log(x)
      },
    }
    expect(() => solveLeastSquares(Float64Array.from([-1]), [block])).toThrow(/the start has cost NaN/)
  })
})

describe('rotation vectors', () => {
  it('turn about their direction by their length', () => {
    const quarter = rotationOf([0, 0, Math.PI / 2])
    expect(quarter[1][0]).toBeCloseTo(1, 12)
    expect(angleBetween(quarter, rotationOf([0, 0, 0]))).toBeCloseTo(Math.PI / 2, 9)
    const tiny = rotationOf([1e-7, 0, 0])
    expect(tiny[2][1]).toBeCloseTo(1e-7, 14)
  })
})

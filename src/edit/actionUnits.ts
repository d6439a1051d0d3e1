/**
 * Targets of an expression by name: blendshape coefficients, whole faces of them ('mouthSmile' is both sides), and the action units of the Facial Action Coding
 * System (Ekman, Friesen 1978; Ekman, Friesen, Hager 2002), of which the blendshapes are a reworking.
 */

/** Which blendshapes an action unit at full intensity deflects and how far. A name stands for both of its sides, unless it ends in _L or _R. */
export const ACTION_UNITS: Readonly<Record<string, { readonly name: string; readonly shapes: Readonly<Record<string, number>> }>> = {
  AU1: { name: 'inner brow raiser', shapes: { browInnerUp: 1 } },
  AU2: { name: 'outer brow raiser', shapes: { browOuterUp: 1 } },
  AU4: { name: 'brow lowerer', shapes: { browDown: 1 } },
  AU5: { name: 'upper lid raiser', shapes: { eyeWide: 1 } },
  AU6: { name: 'cheek raiser', shapes: { cheekSquint: 1 } },
  AU7: { name: 'lid tightener', shapes: { eyeSquint: 1 } },
  AU9: { name: 'nose wrinkler', shapes: { noseSneer: 1 } },
  AU10: { name: 'upper lip raiser', shapes: { mouthUpperUp: 1 } },
  AU12: { name: 'lip corner puller', shapes: { mouthSmile: 1 } },
  AU14: { name: 'dimpler', shapes: { mouthDimple: 1 } },
  AU15: { name: 'lip corner depressor', shapes: { mouthFrown: 1 } },
  AU16: { name: 'lower lip depressor', shapes: { mouthLowerDown: 1 } },
  AU17: { name: 'chin raiser', shapes: { mouthShrugLower: 1 } },
  AU18: { name: 'lip pucker', shapes: { mouthPucker: 1 } },
  AU20: { name: 'lip stretcher', shapes: { mouthStretch: 1 } },
  AU22: { name: 'lip funneler', shapes: { mouthFunnel: 1 } },
  AU24: { name: 'lip pressor', shapes: { mouthPress: 1 } },
  AU25: { name: 'lips part', shapes: { mouthLowerDown: 0.5, mouthUpperUp: 0.3 } },
  AU26: { name: 'jaw drop', shapes: { jawOpen: 0.5 } },
  AU27: { name: 'mouth stretch', shapes: { jawOpen: 1 } },
  AU28: { name: 'lip suck', shapes: { mouthRollLower: 1, mouthRollUpper: 1 } },
  AU29: { name: 'jaw thrust', shapes: { jawForward: 1 } },
  AU34: { name: 'cheek puff', shapes: { cheekPuff: 1 } },
  AU43: { name: 'eyes closed', shapes: { eyeBlink: 1 } },
  AU45: { name: 'blink', shapes: { eyeBlink: 1 } },
  AU46: { name: 'wink', shapes: { eyeBlink_L: 1 } },
  AU61: { name: 'eyes turn left', shapes: { eyeLookOut_L: 1, eyeLookIn_R: 1 } },
  AU62: { name: 'eyes turn right', shapes: { eyeLookOut_R: 1, eyeLookIn_L: 1 } },
  AU63: { name: 'eyes up', shapes: { eyeLookUp: 1 } },
  AU64: { name: 'eyes down', shapes: { eyeLookDown: 1 } },
}

/** The wanted value of each coefficient that is wanted at all. */
export type ExpressionTarget = Readonly<Record<string, number>>

/** The names a head knows that a name without a side stands for: itself, or both of its sides. */
export function sidesOf(name: string, known: readonly string[]): string[] {
  return known.includes(name) ? [name] : [`${name}_L`, `${name}_R`].filter(side => known.includes(side))
}

/**
 * Coefficients in the names of a head from coefficients, names without their side, and action units ('AU12', 'AU12_L' for one side); where units move
 * the same coefficient the larger counts. Throws for a value that is no number and for a name that is neither, with those there are.
 */
export function expressionTarget(wanted: Readonly<Record<string, number>>, known: readonly string[]): ExpressionTarget {
  const target = new Map<string, number>()
  const raise = (name: string, value: number): void => {
    target.set(name, Math.max(target.get(name) ?? Number.NEGATIVE_INFINITY, value))
  }
  for (const [name, value] of Object.entries(wanted)) {
    if (!Number.isFinite(value)) throw new Error(`expressionTarget: ${name} = ${value}; give a number, 0 at rest and 1 at full deflection`)
    const [, unit, side] = /^(AU\d+)(?:_([LR]))?$/.exec(name) ?? []
    const shapes = unit === undefined ? { [name]: 1 } : ACTION_UNITS[unit]?.shapes
    const found = Object.entries(shapes ?? {}).flatMap(([shape, amount]) => {
      const sides = sidesOf(shape, known)
      return sides.filter(s => side === undefined || s.endsWith(`_${side}`)).map(s => [s, amount] as const)
    })
    if (found.length === 0) throw new Error(`expressionTarget: no coefficient or action unit "${name}"; there are ${namesOf(known)}`)
    for (const [shape, amount] of found) raise(shape, amount * value)
  }
  return Object.fromEntries(target)
}

/** Every name that `expressionTarget` takes for a head, sides left out. */
function namesOf(known: readonly string[]): string {
  const units = Object.entries(ACTION_UNITS).filter(([, { shapes }]) => Object.keys(shapes).some(shape => sidesOf(shape, known).length > 0))
  const named = units.map(([unit, { name }]) => `${unit} (${name})`)
  return [...new Set(known.map(name => name.replace(/_[LR]$/, ''))), ...named].join(', ')
}

/**
 * Pictures of random faces with sentences about them, to train the embedded encoder on: `npx tsx scripts/encoder/make.ts RIG OUT [people] [first]`.
 * RIG holds rig.json and rig.bin of ICT-FaceKit. Writes pictures.u8 [N, 112, 112, 3], coefficients.f32 [N, 53] and captions.json (four sentences a picture); a person
 * is one sitting of 8 pictures, the first at rest. The seed of a person is its number.
 */
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HostRandom } from '../../src/tensor/hostRandom.ts'
import { drawFace } from './draw.ts'
import { type Expression, neutralExpression, randomExpression } from './expressions.ts'
import { paintOf } from './paint.ts'
import { makePerson } from './person.ts'
import { loadRig } from './rig.ts'
import { makeSitting } from './sitting.ts'

const [folder, out, people = '2000', first = '0'] = process.argv.slice(2)
if (!folder || !out) throw new Error('make: give the folder of the rig and one to write to')
const PICTURES = 8
const rig = await loadRig(folder)
const paint = paintOf(rig)
await mkdir(out, { recursive: true })
const pictures = await open(join(out, 'pictures.u8'), 'w')
const coefficients = await open(join(out, 'coefficients.f32'), 'w')
const captions: (readonly string[])[] = []
for (let p = Number(first); p < Number(first) + Number(people); p++) {
  const random = new HostRandom(p, 1)
  const person = makePerson(rig, paint, random)
  const sitting = makeSitting(random)
  for (let i = 0; i < PICTURES; i++) {
    const expression: Expression = i === 0 ? neutralExpression(rig.expressionNames, random) : randomExpression(rig.expressionNames, random)
    await pictures.write(drawFace(rig, person, expression.coefficients, sitting))
    await coefficients.write(Buffer.from(expression.coefficients.buffer))
    captions.push(expression.captions)
  }
  if (p % 50 === 0) console.log(p)
}
await pictures.close()
await coefficients.close()
await writeFile(join(out, 'captions.json'), JSON.stringify({ names: rig.expressionNames, captions }))

/**
 * The little of Python's pickle that a PyTorch state dictionary is written in. A pickle is a program: this runs none of it. Names of Python functions become
 * plain marks, calls become plain records, and an instruction that a state dictionary does not need is an error.
 */

/** A Python function or class, by name; never called. */
export interface PickleName {
  readonly kind: 'name'
  readonly name: string
}
/** A call that Python would make. */
export interface PickleCall {
  readonly kind: 'call'
  readonly callee: PickleValue
  readonly args: PickleValue
}
/** Something kept outside of the pickle (a tensor's storage). */
export interface PickleReference {
  readonly kind: 'reference'
  readonly id: PickleValue
}
export type PickleValue = null | boolean | number | string | PickleValue[] | Map<PickleValue, PickleValue> | PickleName | PickleCall | PickleReference

const MARK = Symbol('mark')
type Slot = PickleValue | typeof MARK

/** The value that a pickle of protocols 2 to 5 builds. Throws, naming the file and the instruction, when there is more to it than data. */
export function readPickle(bytes: Uint8Array, name: string): PickleValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const refuse = (what: string): Error => new Error(`${name}: ${what}, which plain weights do not have; convert the model to safetensors`)
  const stack: Slot[] = []
  const memo = new Map<number, PickleValue>()
  let at = 0
  const pop = (): PickleValue => {
    const value = stack.pop()
    if (value === undefined || value === MARK) throw refuse('the pickle is damaged')
    return value
  }
  const top = (): PickleValue => {
    const value = pop()
    stack.push(value)
    return value
  }
  const popMark = (): PickleValue[] => {
    const index = stack.lastIndexOf(MARK)
    if (index < 0) throw refuse('the pickle is damaged')
    return stack.splice(index).slice(1) as PickleValue[]
  }
  const text = (size: number): string => {
    at += size
    if (at > bytes.length) throw refuse('the pickle is cut off')
    return new TextDecoder().decode(bytes.subarray(at - size, at))
  }
  const line = (): string => {
    const end = bytes.indexOf(10, at)
    if (end < 0) throw refuse('the pickle is cut off')
    const found = text(end - at)
    at++
    return found
  }
  const number = (size: number, read: (at: number) => number): number => {
    at += size
    return read(at - size)
  }
  const u8 = (): number => number(1, i => view.getUint8(i))
  const u32 = (): number => number(4, i => view.getUint32(i, true))
  const append = (values: PickleValue[]): void => {
    const list = top()
    if (!Array.isArray(list)) throw refuse('something is appended to what is no list')
    list.push(...values)
  }
  const assign = (pairs: PickleValue[]): void => {
    const target = top()
    // an OrderedDict is made by a call; its items are set on the call's record, which becomes the map
    if (!(target instanceof Map)) throw refuse('an item is set on what is no dictionary')
    for (let i = 0; i + 1 < pairs.length; i += 2) target.set(pairs[i], pairs[i + 1])
  }
  const reduce = (): PickleValue => {
    const args = pop()
    const callee = pop()
    const isDictionary =
      typeof callee === 'object' && callee !== null && 'kind' in callee && callee.kind === 'name' && callee.name === 'collections.OrderedDict'
    return isDictionary ? new Map() : { kind: 'call', callee, args }
  }
  const instructions: Record<number, () => void> = {
    128: () => u8(), // PROTO
    149: () => number(8, () => 0), // FRAME
    125: () => stack.push(new Map()), // EMPTY_DICT
    93: () => stack.push([]), // EMPTY_LIST
    41: () => stack.push([]), // EMPTY_TUPLE
    40: () => stack.push(MARK),
    78: () => stack.push(null),
    136: () => stack.push(true),
    137: () => stack.push(false),
    74: () => stack.push(number(4, i => view.getInt32(i, true))), // BININT
    75: () => stack.push(u8()), // BININT1
    77: () => stack.push(number(2, i => view.getUint16(i, true))), // BININT2
    138: () => stack.push(littleEndian(view, at + 1, u8(), size => number(size, () => 0))), // LONG1
    71: () => stack.push(number(8, i => view.getFloat64(i))), // BINFLOAT
    88: () => stack.push(text(u32())), // BINUNICODE
    140: () => stack.push(text(u8())), // SHORT_BINUNICODE
    99: () => stack.push({ kind: 'name', name: `${line()}.${line()}` }), // GLOBAL
    147: () => {
      const attribute = pop()
      stack.push({ kind: 'name', name: `${String(pop())}.${String(attribute)}` }) // STACK_GLOBAL
    },
    113: () => memo.set(u8(), top()), // BINPUT
    114: () => memo.set(u32(), top()), // LONG_BINPUT
    148: () => memo.set(memo.size, top()), // MEMOIZE
    104: () => stack.push(recall(u8())), // BINGET
    106: () => stack.push(recall(u32())), // LONG_BINGET
    116: () => stack.push(popMark()), // TUPLE
    133: () => stack.push([pop()]), // TUPLE1
    134: () => stack.push(stack.splice(-2) as PickleValue[]), // TUPLE2
    135: () => stack.push(stack.splice(-3) as PickleValue[]), // TUPLE3
    97: () => append([pop()]), // APPEND
    101: () => append(popMark()), // APPENDS
    115: () => assign(stack.splice(-2) as PickleValue[]), // SETITEM
    117: () => assign(popMark()), // SETITEMS
    81: () => stack.push({ kind: 'reference', id: pop() }), // BINPERSID
    82: () => stack.push(reduce()), // REDUCE
    98: () => void pop(), // BUILD: attributes of an object (an OrderedDict's _metadata) are no weights
  }
  const recall = (index: number): PickleValue => {
    const value = memo.get(index)
    if (value === undefined) throw refuse('the pickle is damaged')
    return value
  }
  try {
    while (at < bytes.length) {
      const code = u8()
      if (code === 46) return pop() // STOP
      const run = instructions[code]
      if (!run) throw refuse(`the pickle has the instruction ${code}`)
      run()
    }
  } catch (error) {
    throw error instanceof RangeError ? refuse('the pickle is cut off') : error
  }
  throw refuse('the pickle is cut off')
}

/** A little-endian two's complement integer of `size` bytes; sizes beyond six would not be exact and are no sizes of tensors. */
function littleEndian(view: DataView, at: number, size: number, skip: (size: number) => void): number {
  skip(size)
  let value = 0
  for (let i = 0; i < size; i++) value += view.getUint8(at + i) * 256 ** i
  return size > 0 && view.getUint8(at + size - 1) >= 128 ? value - 256 ** size : value
}

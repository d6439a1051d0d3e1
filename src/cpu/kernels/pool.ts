// The scheduler shared by the calling thread and the workers. AssemblyScript; every thread runs its own instance on one shared memory.
//
// A segment is a row of step records that run one after the other; the chunks of one step run in any order on any thread.
// CLAIM packs [serial of the step : 32 | chunks nobody has taken yet : 32]. A thread takes a chunk by compare-exchange, so a late
// thread that still looks at an old step can never take a chunk of a newer one by mistake. Whoever finishes the last chunk of a
// step publishes the next step, so a thread that the system has paused outside a chunk holds up nobody.

import { CLAIM, DONE, FAILED, FINISHED, MAIN_CALL, MAIN_SLEEPS, PROFILE, SLEEPERS, STEP, STOP } from './layout'

// @ts-ignore: decorator
@external('env', 'now')
declare function now(): f64

/** Reads of the claim word before a thread goes to sleep: about 30 microseconds. */
const SPINS: i32 = 12000

// the step now running; stable while any of its chunks is unfinished
const KERNEL: usize = STEP
const ITEMS: usize = STEP + 4
const GRAIN: usize = STEP + 8
const ARGS: usize = STEP + 12
const CHUNKS: usize = STEP + 16
const CURSOR: usize = STEP + 20 // next record to publish
const LAST: usize = STEP + 24 // end of the segment
const STARTED: usize = STEP + 32 // f64, milliseconds
const RUNNING: usize = STEP + 40 // record now running, for the profile

/** Record: kernel, items, grain, args, chunks, unused, f64 milliseconds spent. */
const RECORD_BYTES: usize = 32

function publish(): void {
  if (load<i32>(PROFILE)) {
    const time = now()
    const record: usize = load<u32>(RUNNING)
    if (record != 0) store<f64>(record, load<f64>(record, 24) + time - load<f64>(STARTED), 24)
    store<f64>(STARTED, time)
  }
  const serial = (atomic.load<u64>(CLAIM) >> 32) + 1
  const last: usize = load<u32>(LAST)
  let record: usize = load<u32>(CURSOR)
  while (record < last && load<u32>(record, 16) == 0) record += RECORD_BYTES
  if (record >= last) {
    store<u32>(RUNNING, 0)
    atomic.store<i32>(FINISHED, 1)
    wakeMain()
    return
  }
  const chunks = load<u32>(record, 16)
  store<u32>(KERNEL, load<u32>(record))
  store<u32>(ITEMS, load<u32>(record, 4))
  store<u32>(GRAIN, load<u32>(record, 8))
  store<u32>(ARGS, load<u32>(record, 12))
  store<u32>(CHUNKS, chunks)
  store<u32>(CURSOR, u32(record + RECORD_BYTES))
  store<u32>(RUNNING, u32(record))
  atomic.store<u32>(DONE, 0)
  atomic.store<u64>(CLAIM, (serial << 32) | u64(chunks))
  if (chunks > 1) {
    const sleepers = atomic.load<i32>(SLEEPERS)
    if (sleepers > 0) atomic.notify(CLAIM + 4, min<i32>(sleepers, i32(chunks) - 1))
    wakeMain()
  }
}

function wakeMain(): void {
  if (atomic.load<i32>(MAIN_SLEEPS) == 0) return
  atomic.add<i32>(MAIN_CALL, 1)
  atomic.notify(MAIN_CALL, 1)
}

/** Runs chunks until none is left to take; returns the serial of the step it saw last. */
function runChunks(): u32 {
  while (true) {
    const claim = atomic.load<u64>(CLAIM)
    const left = u32(claim)
    if (left == 0) return u32(claim >> 32)
    const kernel = load<u32>(KERNEL)
    const items = load<u32>(ITEMS)
    const grain = load<u32>(GRAIN)
    const args: usize = load<u32>(ARGS)
    const chunks = load<u32>(CHUNKS)
    if (atomic.cmpxchg<u64>(CLAIM, claim, claim - 1) != claim) continue
    const begin = (chunks - left) * grain
    const end = min<u32>(grain, items - begin) + begin
    call_indirect<void>(kernel, args, i32(begin), i32(end))
    if (atomic.add<u32>(DONE, 1) + 1 == chunks) publish()
  }
}

/** Runs the records [first, last) to their end. 0: done, 1: a worker failed. `mayWait` is 0 on a browser's main thread. */
export function runSegment(first: usize, last: usize, mayWait: i32): i32 {
  atomic.store<i32>(FINISHED, 0)
  store<u32>(CURSOR, u32(first))
  store<u32>(LAST, u32(last))
  store<u32>(RUNNING, 0)
  publish()
  let spins = SPINS
  while (true) {
    const serial = runChunks()
    if (atomic.load<i32>(FAILED)) return 1
    if (atomic.load<i32>(FINISHED)) return 0
    if (atomic.load<u32>(CLAIM + 4) != serial) {
      spins = SPINS
      continue
    }
    if (--spins > 0 || !mayWait) continue
    const call = atomic.load<i32>(MAIN_CALL)
    atomic.store<i32>(MAIN_SLEEPS, 1)
    if (!atomic.load<i32>(FAILED) && !atomic.load<i32>(FINISHED) && atomic.load<u32>(CLAIM + 4) == serial) atomic.wait<i32>(MAIN_CALL, call, -1)
    atomic.store<i32>(MAIN_SLEEPS, 0)
    spins = SPINS
  }
}

/** A worker's life: run chunks, spin a little, sleep until the next step; returns after `stop`. */
export function serve(): void {
  while (!atomic.load<i32>(STOP)) {
    const serial = runChunks()
    let spins = SPINS
    while (spins > 0 && atomic.load<u32>(CLAIM + 4) == serial) spins--
    if (spins > 0) continue
    atomic.add<i32>(SLEEPERS, 1)
    if (!atomic.load<i32>(STOP)) atomic.wait<i32>(CLAIM + 4, i32(serial), -1)
    atomic.sub<i32>(SLEEPERS, 1)
  }
}

/** Called by a worker whose kernel trapped: releases the calling thread. */
export function fail(): void {
  atomic.store<i32>(FAILED, 1)
  atomic.add<i32>(MAIN_CALL, 1)
  atomic.notify(MAIN_CALL, 1)
}

/** Sends the workers home. */
export function stop(): void {
  atomic.store<i32>(STOP, 1)
  atomic.store<u64>(CLAIM, ((atomic.load<u64>(CLAIM) >> 32) + 1) << 32)
  atomic.notify(CLAIM + 4, -1)
}

/** The worker's door: messages in, answers out. Views are taken at once, everything else waits for its turn. */
import { Cancelled, CommandQueue } from '../protocol/commandQueue.ts'
import type { FromWorker, RequestName, ToWorker } from '../protocol/messages.ts'
import { Engine } from './engine.ts'

const post = (message: FromWorker): void => postMessage(message)
const engine = new Engine(post)
const queue = new CommandQueue()

/** Looking does not wait for a training or an edit. */
const AT_ONCE: ReadonlySet<RequestName> = new Set(['paint', 'truth', 'thumbnails'])
/** Only looks at the scene: a training gives it its turn. Everything else waits until the training has ended. */
const BETWEEN_STEPS: ReadonlySet<RequestName> = new Set(['picture', 'mesh', 'saveScene', 'page', 'openPath', 'savePath'])

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === 'view') engine.show(data.view)
  else if (data.kind === 'finish') engine.finish()
  else if (data.kind === 'pause') engine.pause(data.paused)
  else if (data.kind === 'seen') engine.setSeen(data.seen)
  else if (data.kind === 'cancel') queue.cancel(data.id)
  else answer(data.id, data.name, data.body)
})

function answer(id: number, name: RequestName, body: unknown): void {
  const say = (text: string): void => post({ kind: 'doing', id, text })
  // the page types what it sends, message by message (see protocol/messages)
  const handler = engine.handlers[name] as (body: unknown, task: { signal: AbortSignal; say(text: string): void }) => Promise<unknown>
  // a handler may throw before it has anything to promise
  const work = async (signal: AbortSignal): Promise<unknown> => await handler(body, { signal, say })
  const never = new AbortController().signal
  const done = AT_ONCE.has(name)
    ? work(never)
    : engine.breaks && BETWEEN_STEPS.has(name)
      ? engine.breaks.add(() => work(never))
      : queue.add(id, name, work)
  done.then(
    result => post({ kind: 'answer', id, body: result }),
    error => post({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error), cancelled: error instanceof Cancelled }),
  )
}

/** The page's end of the worker: every request is a promise, everything else a message. */
import type { FromWorker, RequestName, Requests, ToWorker, View } from '../protocol/messages.ts'

/** A request that was cancelled, or an error with the worker's words. */
export class RequestFailed extends Error {
  override name = 'RequestFailed'
  constructor(
    message: string,
    readonly cancelled: boolean,
  ) {
    super(message)
  }
}

/** A request under way. */
export interface Pending<T> {
  readonly id: number
  readonly answer: Promise<T>
}

export type Notice = Exclude<FromWorker, { kind: 'answer' } | { kind: 'failed' }>

export class Client {
  private readonly pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  private numbers = 0

  constructor(
    private readonly worker: Pick<Worker, 'postMessage' | 'addEventListener' | 'terminate'>,
    notice: (message: Notice) => void,
  ) {
    worker.addEventListener('message', event => {
      const message = (event as MessageEvent<FromWorker>).data
      if (message.kind === 'answer') this.settle(message.id)?.resolve(message.body)
      else if (message.kind === 'failed') this.settle(message.id)?.reject(new RequestFailed(message.message, message.cancelled))
      else notice(message)
    })
    worker.addEventListener('error', event => {
      const why = (event as ErrorEvent).message || 'it could not be started'
      for (const { reject } of this.pending.values()) reject(new RequestFailed(`the studio's worker stopped (${why}); reload the page`, false))
      this.pending.clear()
    })
  }

  request<N extends RequestName>(name: N, body: Requests[N]['request'], transfer: Transferable[] = []): Pending<Requests[N]['answer']> {
    const id = ++this.numbers
    const answer = new Promise<Requests[N]['answer']>((resolve, reject) => {
      this.pending.set(id, { resolve: value => resolve(value as Requests[N]['answer']), reject })
    })
    this.post({ kind: 'request', id, name, body }, transfer)
    return { id, answer }
  }

  show(view: View): void {
    this.post({ kind: 'view', view })
  }

  cancel(id: number): void {
    this.post({ kind: 'cancel', id })
  }

  private settle(id: number) {
    const found = this.pending.get(id)
    this.pending.delete(id)
    return found
  }

  post(message: ToWorker, transfer: Transferable[] = []): void {
    this.worker.postMessage(message, transfer)
  }
}

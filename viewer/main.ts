/** The script of a shared page. It is there once: the page runs it, and hands its text to a worker, which runs it as the engine. */
import { Engine } from './engine.ts'
import type { FromEngine, ToEngine } from './messages.ts'
import { startPage } from './page.ts'

if (typeof document === 'undefined') serve()
else void startPage({ engine: startEngine(document.currentScript?.textContent ?? '') })

/** The engine's end, inside a worker. */
function serve(): void {
  const scope = globalThis as unknown as { postMessage(message: FromEngine, transfer: Transferable[]): void; onmessage: unknown }
  const engine = new Engine((message, transfer = []) => scope.postMessage(message, transfer))
  scope.onmessage = (event: MessageEvent<ToEngine>) => void engine.receive(event.data)
}

export interface EngineLink {
  send(message: ToEngine): void
  onMessage: (message: FromEngine) => void
}

/** A worker with this very script; where a browser refuses it, the engine beside the page, whose controls then wait for pictures. */
function startEngine(script: string): EngineLink {
  const link: EngineLink = { send: () => undefined, onMessage: () => undefined }
  try {
    const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }))
    const worker = new Worker(url)
    worker.onmessage = (event: MessageEvent<FromEngine>) => link.onMessage(event.data)
    worker.onerror = event => link.onMessage({ type: 'failed', message: event.message || 'the worker does not start' })
    link.send = message => worker.postMessage(message)
  } catch {
    const engine = new Engine(message => link.onMessage(message))
    link.send = message => void engine.receive(message)
  }
  return link
}

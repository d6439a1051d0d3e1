import type { CaptureInfo } from '../protocol/messages.ts'

const MARKS = { problem: '✗', warning: '!', good: '✓' } as const
const WORDS = { problem: 'problem', warning: 'could be better', good: 'good' } as const

/** What the capture doctor says; what is fine stays folded away. */
export function Findings({ findings }: Pick<CaptureInfo, 'findings'>) {
  const advice = [...findings.filter(({ level }) => level === 'problem'), ...findings.filter(({ level }) => level === 'warning')]
  const good = findings.filter(({ level }) => level === 'good')
  return (
    <section className="findings" aria-labelledby="findings-title">
      <h3 id="findings-title">{advice.length > 0 ? 'What to know about this capture' : 'This capture looks good'}</h3>
      {advice.length > 0 && <FindingList findings={advice} />}
      {good.length > 0 && (
        <details className="more">
          <summary>
            {good.length} {good.length === 1 ? 'thing is' : 'things are'} fine
          </summary>
          <FindingList findings={good} />
        </details>
      )}
    </section>
  )
}

function FindingList({ findings }: Pick<CaptureInfo, 'findings'>) {
  return (
    <ul>
      {findings.map(({ level, topic, text }) => (
        <li key={`${topic} ${text}`} className={`finding finding-${level}`}>
          <span aria-hidden="true">{MARKS[level]}</span>
          <span className="sr-only">{WORDS[level]}:</span>
          <p>
            <b>{topic}</b> {text}
          </p>
        </li>
      ))}
    </ul>
  )
}

/** Characters from which on a sentence does not fit its lines. */
const LONG = 90

/** A sentence that somebody wrote, cut to a few lines; screen readers and the mouse get all of it. */
export function Sentence({ text }: { text: string }) {
  return (
    <span className="sentence" title={text.length > LONG ? text : undefined}>
      {text}
    </span>
  )
}

/** A sentence for one line, e.g. of a list to choose from. */
export const shortSentence = (text: string): string => (text.length > LONG ? `${text.slice(0, LONG - 2).trimEnd()} …` : text)

import { useId } from 'react'

interface SliderProps {
  label: string
  hint?: string
  /** Address of a small picture beside it; its place is kept while it is made. */
  picture?: string | undefined
  value: number
  most: number
  onChange(value: number): void
  /** The hand let go. */
  onSettle(): void
}

/** A strength: 1 is in reach by a double click, and by Backspace or Delete. */
export function Slider({ label, hint, picture, value, most, onChange, onSettle }: SliderProps) {
  const id = useId()
  const pictured = hint !== undefined
  return (
    <div className={pictured ? 'slider slider-pictured' : 'slider'}>
      {pictured && (picture ? <img src={picture} alt="" width={40} height={40} /> : <span className="slider-blank" />)}
      <label htmlFor={id} title={hint}>
        {label}
        {hint && <span className="sr-only"> {hint}</span>}
      </label>
      <output htmlFor={id}>{value.toFixed(2)}</output>
      <input
        id={id}
        type="range"
        min={0}
        max={most}
        step={0.01}
        value={value}
        onChange={event => onChange(event.currentTarget.valueAsNumber)}
        onPointerUp={onSettle}
        onKeyUp={onSettle}
        onKeyDown={event => {
          if (event.key === 'Backspace' || event.key === 'Delete') onChange(1)
        }}
        onDoubleClick={() => onChange(1)}
        style={{ '--filled': `${(100 * value) / most}%` } as React.CSSProperties}
      />
    </div>
  )
}

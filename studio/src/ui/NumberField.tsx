import { useState } from 'react'

interface NumberFieldProps {
  label: string
  title?: string
  unit?: string
  least: number
  most: number
  step: number
  value: number
  disabled?: boolean
  onChange(value: number): void
}

/** A number that takes effect when it is whole: with Enter, an arrow, or on leaving. */
export function NumberField({ label, title, unit, least, most, step, value, disabled, onChange }: NumberFieldProps) {
  const [typed, setTyped] = useState<string>()
  const take = (text: string): void => {
    setTyped(undefined)
    const wanted = Number.parseFloat(text)
    if (Number.isFinite(wanted) && wanted !== rounded(value)) onChange(Math.min(most, Math.max(least, wanted)))
  }
  return (
    <label className="number-field" title={title}>
      <span>{label}</span>
      <input
        type="number"
        min={least}
        max={most}
        step={step}
        disabled={disabled}
        value={typed ?? rounded(value)}
        onChange={event => {
          // an arrow of the field is no typing: it counts at once
          if (event.nativeEvent instanceof InputEvent) setTyped(event.currentTarget.value)
          else take(event.currentTarget.value)
        }}
        onBlur={event => take(event.currentTarget.value)}
        onKeyDown={event => event.key === 'Enter' && take(event.currentTarget.value)}
      />
      {unit && <span>{unit}</span>}
    </label>
  )
}

const rounded = (value: number): number => Math.round(100 * value) / 100

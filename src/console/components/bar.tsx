/** A budget as a bar: spent, held, left. */
import { millionths, money, ratio } from '../format.ts'

export interface Budget {
  readonly cap: string
  readonly spent: string
  readonly held: string
  readonly currency: string
}

export function BudgetBar({ cap, spent, held, currency }: Budget) {
  const said = `${money(spent, currency)} spent, ${money(held, currency)} held, of ${money(cap, currency)}`
  const percent = (part: string) => `${(ratio(part, cap) * 100).toFixed(2)}%`
  const isTight = millionths(cap) > 0n && (millionths(spent) + millionths(held)) * 10n >= millionths(cap) * 9n
  return (
    <div class={isTight ? 'bar tight' : 'bar'} role="img" aria-label={said} title={said}>
      <span class="spent" style={{ width: percent(spent) }} />
      <span class="held" style={{ width: percent(held) }} />
    </div>
  )
}

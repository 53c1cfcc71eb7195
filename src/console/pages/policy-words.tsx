/** A policy as people read it. */
import { Badge } from '../components/badge.tsx'
import type { PolicyView } from './shapes.ts'

/** "name: sentence" with the name set off. */
export function Sentences({ of }: { readonly of: readonly string[] }) {
  return (
    <ol class="sentences">
      {of.map((sentence) => {
        const at = /^[\w-]+: /.exec(sentence)?.[0].length ?? 0
        return (
          <li key={sentence}>
            {at > 0 && <strong>{sentence.slice(0, at)}</strong>}
            {sentence.slice(at)}
          </li>
        )
      })}
    </ol>
  )
}

const TONES = { error: 'bad', warning: 'warn', note: 'plain' } as const

export function Findings({ of, none }: { readonly of: PolicyView['lint']; readonly none: string }) {
  if (of.length === 0) return <p class="muted">{none}</p>
  return (
    <ul class="plain findings">
      {of.map(({ level, tier, message }) => (
        <li key={`${level} ${tier} ${message}`}>
          <Badge tone={TONES[level]}>{level}</Badge> {tier !== '' && <strong>{tier}: </strong>}
          {message}
        </li>
      ))}
    </ul>
  )
}

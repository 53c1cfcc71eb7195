/** Receipts out of the house: as files, and verified. */
import { useState } from 'preact/hooks'
import { queryText } from '../address.ts'
import { get } from '../client.tsx'
import { announce } from '../components/announce.tsx'
import { ProblemNote } from '../components/notes.tsx'
import { when } from '../format.ts'
import { EXPORTS, REPORTS } from './list-filter.ts'
import { useAction } from './parts.tsx'
import type { VerificationView } from './shapes.ts'

/** Plain links: the file streams from the server, however many receipts match. */
export function Exports({ filter, label }: { readonly filter: Readonly<Record<string, string>>; readonly label: string }) {
  return (
    <details class="menu">
      <summary>{label}</summary>
      <ul>
        {EXPORTS.map(({ name, query }) => (
          <li key={name}>
            <a href={`/v1/receipts?${queryText({ ...filter, ...query })}`} download>
              {name}
            </a>
          </li>
        ))}
      </ul>
    </details>
  )
}

/** Of yesterday (UTC), the last day that can be closed. */
export function DayReport() {
  const date = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)
  return (
    <details class="menu">
      <summary>Report of {date}</summary>
      <ul>
        {REPORTS.map(({ name, query }) => (
          <li key={name}>
            <a href={`/v1/reports/daily?${queryText({ date, ...query })}`} download={`report-${date}.${query.format}`}>
              {name}
            </a>
          </li>
        ))}
      </ul>
    </details>
  )
}

export function Verify() {
  const [verdict, setVerdict] = useState<VerificationView>()
  const { run, isBusy, problem } = useAction(async () => {
    const told = await get<VerificationView>('/v1/receipts/verify')
    setVerdict(told)
    announce(told.ok ? 'All chains of receipts hold.' : 'A chain of receipts does not hold.')
  })
  return (
    <>
      <button type="button" onClick={run} aria-disabled={isBusy}>
        {isBusy ? 'Verifying…' : 'Verify all chains'}
      </button>
      {problem && <ProblemNote problem={problem} />}
      {verdict && <Verdict of={verdict} />}
    </>
  )
}

function Verdict({ of: { ok, count, chains, brokenAt, sealed, unsealed } }: { readonly of: VerificationView }) {
  const seal = sealed ? `Sealed last ${when(sealed.at)}; ${unsealed} since.` : 'No checkpoint seals them yet.'
  if (ok) {
    return (
      <p class="note good">
        {count} receipts in {chains} chains hold. {seal}
      </p>
    )
  }
  return (
    <p class="note bad" role="alert">
      {brokenAt
        ? `Broken at entry ${brokenAt.number} of session ${brokenAt.sessionId || '(none)'} (${brokenAt.id}): ${brokenAt.why}.`
        : 'They do not hold.'}
    </p>
  )
}

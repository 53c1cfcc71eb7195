/** E-mail that is ready to be sent: Purser speaks no SMTP; a relay's webhook gets it, or somebody fetches it. */
import { alertFacts, type Subject } from './alert.ts'
import { escapeHtml, factsOf, headline, plain } from './text.ts'

export interface Email {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** The letter. `link` leads its reader to the page where they decide; without it the letter names the command. */
export function emailOf(subject: Subject, { to, link }: { readonly to: string; readonly link?: string | undefined }): Email {
  const title = subject.approval ? headline(subject.approval) : plain(subject.alert.sentence, 150)
  const facts = subject.approval ? factsOf(subject.approval) : alertFacts(subject.alert.facts)
  const wayOn = subject.approval ? waysOf(subject.approval.id, link) : []
  const rows = facts.map(({ label, value }) => `<tr><th align="left">${escapeHtml(label)}</th><td>${escapeHtml(value)}</td></tr>`)
  const button = link === undefined ? '' : `<p><a href="${escapeHtml(link)}">Look at it and decide</a></p>`
  return {
    to,
    subject: `[Purser] ${title}`,
    text: `${[title, '', ...facts.map(({ label, value }) => `${label}: ${value}`), '', ...wayOn].join('\n')}\n`,
    html: `<h1>${escapeHtml(title)}</h1><table>${rows.join('')}</table>${button}${wayOn.map((way) => `<p>${escapeHtml(way)}</p>`).join('')}`,
  }
}

function waysOf(id: string, link: string | undefined): string[] {
  const command = `On the command line: purser approvals show ${id}`
  return link === undefined ? [command] : [`Look at it and decide (once, and only you): ${link}`, command]
}

/** What a relay gets, as JSON. */
export function emailPayload(subject: Subject, options: { readonly to: string; readonly link?: string | undefined }): string {
  return JSON.stringify({ type: subject.type, timestamp: new Date(subject.at).toISOString(), data: emailOf(subject, options) })
}

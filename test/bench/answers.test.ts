import { describe, expect, it } from 'vitest'
import { type Answer, AnswerReader } from './answers.ts'

const text = (answer: string) => Buffer.from(answer, 'latin1')
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody'
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\na;x=1\r\n0123456789\r\n0\r\n\r\n'

function readerOf(): { reader: AnswerReader; answers: Answer[] } {
  const answers: Answer[] = []
  return { reader: new AnswerReader(({ status, bodyBytes }) => answers.push({ status, bodyBytes })), answers }
}

describe('answers', () => {
  it('an answer is one however its bytes are cut', () => {
    for (const whole of [OK, CHUNKED]) {
      for (let cut = 1; cut < whole.length; cut++) {
        const { reader, answers } = readerOf()
        for (const part of [whole.slice(0, cut), whole.slice(cut), whole]) reader.take(text(part))
        const bodyBytes = whole === OK ? 4 : 14
        expect(answers, `cut at ${cut}`).toEqual([
          { status: 200, bodyBytes },
          { status: 200, bodyBytes },
        ])
      }
    }
  })

  it('an answer of another status or length is not taken for the one before', () => {
    const { reader, answers } = readerOf()
    reader.take(text(OK))
    reader.take(text(OK.replace('200', '502')))
    reader.take(text('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlarge'))
    expect(answers).toEqual([
      { status: 200, bodyBytes: 4 },
      { status: 502, bodyBytes: 4 },
      { status: 200, bodyBytes: 5 },
    ])
  })

  it('bytes that are no answer, or too many, are refused', () => {
    expect(() => readerOf().reader.take(text(`${OK}more`))).toThrow('more bytes than the answer stated')
    expect(() => readerOf().reader.take(text('HTTP/1.1 200 OK\r\n\r\n'))).toThrow('does not say how long it is')
    expect(() => readerOf().reader.take(text(CHUNKED.replace('a;x=1', 'zz')))).toThrow('not the size of a chunk: zz')
    expect(() => readerOf().reader.take(Buffer.alloc(70_000))).toThrow('a head of more than 64 KiB')
  })
})

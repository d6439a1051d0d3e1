/** A sentence as a file's name, without an ending. */
export function fileName(prompt: string): string {
  const words = prompt.normalize('NFKD').replace(/[^\p{Letter}\p{Number}]+/gu, '-')
  return words.replace(/^-|-$/g, '').slice(0, 60).toLowerCase() || 'edit'
}

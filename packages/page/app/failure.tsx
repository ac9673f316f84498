export function Failure({ title, message }: { readonly title: string; readonly message: string }) {
  return (
    <main class="notice">
      <h1>{title}</h1>
      <p role="alert">{message}</p>
    </main>
  )
}

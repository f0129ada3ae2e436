// Runs before the first paint, so that a chosen theme never flashes in as the other one.
// On its own, for it must stay small and must not wait for the page's script.

try {
  const kept = localStorage.getItem("soniq.theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
} catch {
  document.documentElement.removeAttribute("data-theme");
}

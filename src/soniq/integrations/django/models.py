"""No models: Soniq makes its own tables. Django tells only apps with this module of a migrate."""

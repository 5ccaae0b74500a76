"""The upstream: the ImaginePro API over HTTP, the only room with aiohttp client code."""

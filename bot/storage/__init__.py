"""The database: what is known outlives the process. `bot.storage.store` is the face of this room."""

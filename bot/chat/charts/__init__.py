"""Pictures: values in, SVG out, and a process that makes a PNG of it. Nothing else of the bot draws.

All but the line of text is imported where somebody asks for a picture: no start needs it.
"""

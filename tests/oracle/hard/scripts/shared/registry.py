COMMANDS = {}


def command(name, **options):
    def wrap(function):
        COMMANDS[name] = (function, options)
        return function

    return wrap

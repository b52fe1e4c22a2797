from .access_roles import MatrixBase


class InheritedMatrixMixin(MatrixBase):
    pass

package staff

import "github.com/gin-gonic/gin"

// mountSettings puts the settings, the team and "what happens if" on the engine.
func (s *Inbox) mountSettings(g *gin.RouterGroup) {}
